/** Hubble over gRPC: Relay, or one agent. */
import type grpc from '@grpc/grpc-js';
import { Observable } from 'rxjs';
import { MICROS_PER_MS, type Micros } from '../../model/time.ts';
import { type Address, parseAddress } from '../grpc/address.ts';
import { describeError, openClient, openStream, type TlsOptions, untilReady } from '../grpc/client.ts';
import { type Clock, SYSTEM_CLOCK } from '../grpc/clock.ts';
import { LINK_TIMES, Link, type LinkTimes } from '../grpc/link.ts';
import { Outlet } from '../grpc/outlet.ts';
import { Interned } from '../intern.ts';
import {
  type Batch,
  newCounters,
  type Quarantine,
  type Source,
  type SourceState,
  type SourceStatus,
} from '../source.ts';
import { FlowStream } from './flows.ts';
import { followRequest } from './request.ts';

export interface HubbleSourceOptions {
  readonly name: string;
  /** `host:port`, `unix:///path` or `tls://host:port`. */
  readonly address: string;
  /** Absent: plaintext, unless the address says `tls://`. */
  readonly tls?: TlsOptions;
  readonly quarantine: Quarantine;
  /** Asked at the first connect: also what the rings hold since then. Absent or null: new flows only. */
  readonly since?: () => Micros | null;
  /** How far before the newest flow a reconnect asks again: Relay delivers out of order. */
  readonly overlapMs?: number;
  readonly times?: Partial<LinkTimes>;
  readonly clock?: Clock;
}

const METHOD = '/observer.Observer/GetFlows';
const OVERLAP_MS = 5_000;

/** A source that connects at subscription. Its observable errors only when the address is none. */
export function hubbleSource(options: HubbleSourceOptions): Source {
  return new HubbleSource(options);
}

class HubbleSource implements Source {
  readonly name: string;
  readonly type = 'hubble';
  readonly #options: HubbleSourceOptions;
  readonly #counters = newCounters();
  #link: Link | null = null;
  #newest: number | null = null;
  #server = '';
  #failure = '';

  constructor(options: HubbleSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  batches(): Observable<Batch> {
    return new Observable<Batch>(subscriber => {
      let address: Address;
      try {
        address = hubbleAddress(this.#options.address);
      } catch (error) {
        this.#failure = describeError(error);
        subscriber.error(error);
        return undefined;
      }
      const outlet = new Outlet(this.name, this.#counters, {
        next: batch => {
          this.#newest = outlet.newest;
          subscriber.next(batch);
        },
        pause: () => this.#link?.pause(),
        resume: () => this.#link?.resume(),
      });
      const stream = new FlowStream({
        source: this.name,
        place: address.label,
        interned: new Interned(),
        counters: this.#counters,
        quarantine: this.#options.quarantine,
        clock: this.#options.clock ?? SYSTEM_CLOCK,
        push: event => outlet.push(event),
      });
      const link = this.#connect(address, stream);
      this.#link = link;
      link.start();
      return () => {
        link.stop();
        stream.close();
        outlet.close();
      };
    });
  }

  status(): SourceStatus {
    const { name, type } = this;
    return { name, type, state: this.#state(), detail: this.#detail(), newest: this.#newest, counters: this.#counters };
  }

  #connect(address: Address, stream: FlowStream): Link {
    const { clock = SYSTEM_CLOCK, since, overlapMs = OVERLAP_MS, times } = this.#options;
    const tls = this.#options.tls ?? (address.tls ? {} : null);
    return new Link(
      {
        open: () => openClient(address.target, tls, null),
        start: client => {
          const from = stream.newest === null ? (since?.() ?? null) : stream.newest - overlapMs * MICROS_PER_MS;
          return openStream(client, METHOD, followRequest(from));
        },
        // A quiet server sends its headers with the first flow; that the channel stands is all that it tells before.
        prepare: untilReady,
        message: bytes => stream.message(bytes),
        metadata: metadata => {
          this.#server = serverVersion(metadata);
        },
        lost: () => {
          this.#counters.reconnects++;
          stream.interrupted();
        },
      },
      clock,
      { ...LINK_TIMES, ...times },
    );
  }

  #state(): SourceState {
    return this.#failure !== '' ? 'failed' : (this.#link?.state ?? 'starting');
  }

  #detail(): string {
    const { address } = this.#options;
    const problem = this.#failure || this.#link?.error;
    if (problem) return `${address}: ${problem}`;
    return this.#server === '' ? address : `${address}, Hubble ${this.#server}`;
  }
}

function hubbleAddress(text: string): Address {
  const address = parseAddress(text);
  if (address.dns === null) return address;
  // One server stands behind the name, however many addresses it has.
  return { ...address, target: `dns:${address.dns.host}:${address.dns.port}` };
}

const VERSION_CHARS_MAX = 80;

function serverVersion(metadata: grpc.Metadata): string {
  const [version] = [...metadata.get('hubble-server-version'), ...metadata.get('hubble-relay-version')];
  return version === undefined ? '' : String(version).slice(0, VERSION_CHARS_MAX);
}
