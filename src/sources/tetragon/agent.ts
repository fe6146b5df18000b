/** One Tetragon agent: its stream, its process cache at each connect, and the gap that each reconnect leaves. */
import type grpc from '@grpc/grpc-js';
import type { Event } from '../../model/event.ts';
import type { Ahead } from '../ahead.ts';
import { describeError, openStream } from '../grpc/client.ts';
import type { Clock } from '../grpc/clock.ts';
import { Link, type LinkTimes } from '../grpc/link.ts';
import type { Nodes } from '../grpc/nodes.ts';
import type { TetragonDecoder } from '../protobuf/tetragon.ts';
import type { Quarantine, SourceCounters } from '../source.ts';
import type { Bootstrap } from './bootstrap.ts';

const METHOD = '/tetragon.FineGuidanceSensors/GetEvents';
/** An empty GetEventsRequest: no filters, everything. */
const REQUEST = Buffer.alloc(0);

/** What all agents of a source share. */
export interface AgentContext {
  readonly source: string;
  readonly decoder: TetragonDecoder;
  readonly bootstrap: Bootstrap;
  readonly counters: SourceCounters;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  readonly times: LinkTimes;
  readonly nodes: Nodes;
  readonly ahead: Ahead;
  push(event: Event): void;
}

export class Agent {
  readonly label: string;
  readonly link: Link;
  readonly #context: AgentContext;
  /** The next event is the first of its stream. */
  #fresh = true;

  constructor(label: string, open: () => grpc.Client, context: AgentContext) {
    this.label = label;
    this.#context = context;
    this.link = new Link(
      {
        open,
        start: client => openStream(client, METHOD, REQUEST),
        prepare: client => this.#bootstrap(client),
        message: bytes => this.#message(bytes),
        metadata: () => {},
        lost: () => {
          context.counters.reconnects++;
          this.#fresh = true;
        },
      },
      context.clock,
      context.times,
    );
  }

  async #bootstrap(client: grpc.Client): Promise<boolean> {
    const { ahead, bootstrap, nodes, push } = this.#context;
    const reply = await bootstrap.fetch(client);
    if (reply === null) return false;
    try {
      for (const event of bootstrap.events(reply, nodes)) if (ahead.passes(event)) push(event);
    } catch (error) {
      this.#malformed(reply, error);
    }
    return true;
  }

  #message(bytes: Buffer): void {
    const { ahead, counters, decoder, nodes, push } = this.#context;
    counters.bytes += bytes.length;
    let event: Event | null;
    const unknown = decoder.unknownKinds;
    try {
      event = decoder.decode(bytes);
    } catch (error) {
      this.#malformed(bytes, error);
      return;
    }
    counters.unknownKinds += decoder.unknownKinds - unknown;
    if (event === null) return;
    if (!ahead.passes(event)) {
      decoder.takeBack(event);
      return;
    }
    if (event.kind === 'rate_limit') counters.lost += event.count;
    if (this.#fresh) {
      this.#fresh = false;
      const gap = nodes.gapBefore(event);
      if (gap !== null) push(gap);
    }
    nodes.remember(event);
    push(event);
  }

  #malformed(bytes: Buffer, error: unknown): void {
    const { counters, quarantine, source } = this.#context;
    counters.malformed++;
    quarantine.put({ source, place: this.label, reason: describeError(error), bytes });
  }
}
