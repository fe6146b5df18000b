/** Tetragon agents over gRPC: one, or one at each address of a DNS name. */
import { lookup } from 'node:dns/promises';
import { Observable } from 'rxjs';
import { Ahead } from '../ahead.ts';
import { type Address, parseAddress, targetOf } from '../grpc/address.ts';
import { describeError, openClient, type TlsOptions } from '../grpc/client.ts';
import { type Clock, SYSTEM_CLOCK } from '../grpc/clock.ts';
import { LINK_TIMES, type LinkTimes } from '../grpc/link.ts';
import { Nodes } from '../grpc/nodes.ts';
import { Outlet } from '../grpc/outlet.ts';
import { Interned } from '../intern.ts';
import { TetragonDecoder } from '../protobuf/tetragon.ts';
import {
  type Batch,
  newCounters,
  type Quarantine,
  type Source,
  type SourceState,
  type SourceStatus,
} from '../source.ts';
import { Agent, type AgentContext } from './agent.ts';
import { BOOTSTRAP_MS, Bootstrap } from './bootstrap.ts';

export interface TetragonSourceOptions {
  readonly name: string;
  /** `host:port`, `unix:///path`, `tls://host:port`, or `dns:///name:port` for one agent at each address of the name. */
  readonly address: string;
  /** Absent: plaintext, unless the address says `tls://`. */
  readonly tls?: TlsOptions;
  readonly quarantine: Quarantine;
  readonly times?: Partial<LinkTimes>;
  /** How often a `dns:///` name is resolved again. */
  readonly resolveMs?: number;
  /** How long to wait for an agent's process cache at each connect. */
  readonly bootstrapMs?: number;
  readonly clock?: Clock;
  /** All addresses of a name. */
  readonly resolve?: (host: string) => Promise<string[]>;
}

const RESOLVE_MS = 30_000;
/** Agents of one name; further addresses are left out, and the status says so. */
const AGENTS_MAX = 10_000;

/** A source that connects at subscription. Its observable errors only when the address is none. */
export function tetragonSource(options: TetragonSourceOptions): Source {
  return new TetragonSource(options);
}

class TetragonSource implements Source {
  readonly name: string;
  readonly type = 'tetragon';
  readonly #options: TetragonSourceOptions;
  readonly #clock: Clock;
  readonly #counters = newCounters();
  readonly #agents = new Map<string, Agent>();
  #bootstrap: Bootstrap | null = null;
  #newest: number | null = null;
  #problem = '';
  #failed = false;

  constructor(options: TetragonSourceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  batches(): Observable<Batch> {
    return new Observable<Batch>(subscriber => {
      let address: Address;
      try {
        address = parseAddress(this.#options.address);
      } catch (error) {
        this.#failed = true;
        this.#problem = describeError(error);
        subscriber.error(error);
        return undefined;
      }
      const outlet = new Outlet(this.name, this.#counters, {
        next: batch => {
          this.#newest = outlet.newest;
          subscriber.next(batch);
        },
        pause: () => {
          for (const agent of this.#agents.values()) agent.link.pause();
        },
        resume: () => {
          for (const agent of this.#agents.values()) agent.link.resume();
        },
      });
      const stopResolving = this.#connect(address, this.#context(outlet), outlet);
      return () => {
        stopResolving();
        outlet.close();
        for (const agent of this.#agents.values()) agent.link.stop();
        this.#agents.clear();
      };
    });
  }

  status(): SourceStatus {
    const { name, type } = this;
    return { name, type, state: this.#state(), detail: this.#detail(), newest: this.#newest, counters: this.#counters };
  }

  #context(outlet: Outlet): AgentContext {
    const decoder = new TetragonDecoder(this.name, new Interned());
    this.#bootstrap = new Bootstrap(decoder, this.#options.bootstrapMs ?? BOOTSTRAP_MS);
    const { quarantine } = this.#options;
    const counters = this.#counters;
    return {
      source: this.name,
      decoder,
      bootstrap: this.#bootstrap,
      counters,
      quarantine,
      clock: this.#clock,
      times: { ...LINK_TIMES, ...this.#options.times },
      nodes: new Nodes(),
      ahead: new Ahead({ source: this.name, counters, quarantine, tell: gap => outlet.push(gap) }),
      push: event => outlet.push(event),
    };
  }

  /** Starts the agents; the returned function ends the search for new ones. */
  #connect(address: Address, context: AgentContext, outlet: Outlet): () => void {
    const tls = this.#options.tls ?? (address.tls ? {} : null);
    const add = (label: string, target: string, serverName: string | null): void => {
      const agent = new Agent(label, () => openClient(target, tls, serverName), context);
      this.#agents.set(label, agent);
      if (outlet.paused) agent.link.pause();
      agent.link.start();
    };
    const { dns } = address;
    if (dns === null) {
      add(address.label, address.target, null);
      return () => {};
    }
    let stopped = false;
    let cancel = (): void => {};
    const resolve = async (): Promise<void> => {
      try {
        const found = await (this.#options.resolve ?? addressesOf)(dns.host);
        if (stopped) return;
        this.#follow(found, ip => add(ip, targetOf(ip, dns.port), dns.host));
      } catch (error) {
        this.#problem = `${dns.host}: ${describeError(error)}`;
      }
      if (!stopped) cancel = this.#clock.after(this.#options.resolveMs ?? RESOLVE_MS, () => void resolve());
    };
    void resolve();
    return () => {
      stopped = true;
      cancel();
    };
  }

  /** Connects to new addresses and leaves those that are gone. */
  #follow(found: readonly string[], add: (ip: string) => void): void {
    const wanted = new Set(found.slice(0, AGENTS_MAX));
    this.#problem =
      found.length > AGENTS_MAX ? `${found.length - AGENTS_MAX} addresses beyond ${AGENTS_MAX} left out` : '';
    for (const [ip, agent] of this.#agents) {
      if (wanted.has(ip)) continue;
      agent.link.stop();
      this.#agents.delete(ip);
    }
    for (const ip of wanted) if (!this.#agents.has(ip)) add(ip);
  }

  #state(): SourceState {
    if (this.#failed) return 'failed';
    const states = [...this.#agents.values()].map(agent => agent.link.state);
    if (states.includes('connected')) return 'connected';
    return states.includes('waiting') || this.#problem !== '' ? 'waiting' : 'starting';
  }

  #detail(): string {
    const agents = [...this.#agents.values()];
    const connected = agents.filter(agent => agent.link.state === 'connected').length;
    const parts = [`${connected} of ${agents.length} agents connected (${this.#options.address})`];
    const broken = agents.find(agent => agent.link.error !== '');
    if (broken !== undefined) parts.push(`${broken.label}: ${broken.link.error}`);
    if (this.#problem !== '') parts.push(this.#problem);
    const refused = this.#bootstrap?.refused ?? 0;
    if (refused > 0) parts.push(`process cache not given ${refused} times: ${this.#bootstrap?.reason}`);
    return parts.join('; ');
  }
}

/** Addresses of one family: an agent with an address in each must not be heard twice. */
async function addressesOf(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.filter(one => one.family === found[0]?.family).map(one => one.address);
}
