/** The messages of a Hubble stream, across reconnects: once each, with what was lost in between. */
import type { Event, FlowEvent } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';
import { Ahead } from '../ahead.ts';
import { describeError } from '../grpc/client.ts';
import type { Clock } from '../grpc/clock.ts';
import { Nodes } from '../grpc/nodes.ts';
import type { Interned } from '../intern.ts';
import { HubbleDecoder } from '../protobuf/hubble.ts';
import type { Quarantine, SourceCounters } from '../source.ts';
import { LostEvents } from './lost.ts';
import { SeenFlows } from './seen.ts';

export interface FlowStreamOptions {
  readonly source: string;
  /** Address, for the quarantine. */
  readonly place: string;
  readonly interned: Interned;
  readonly counters: SourceCounters;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  push(event: Event): void;
}

export class FlowStream {
  readonly #options: FlowStreamOptions;
  readonly #decoder: HubbleDecoder;
  readonly #seen = new SeenFlows();
  readonly #nodes = new Nodes();
  readonly #lost: LostEvents;
  readonly #ahead: Ahead;
  /** Nodes whose first flow since the reconnect has not come yet. */
  #awaited = new Set<string>();
  /** Time of the newest flow when the stream broke. */
  #brokenAt: Micros = 0;
  /** Time of the newest flow, or null. */
  newest: Micros | null = null;

  constructor(options: FlowStreamOptions) {
    this.#options = options;
    this.#decoder = new HubbleDecoder(options.source, options.interned);
    this.#lost = new LostEvents(options.clock, fact => options.push(fact));
    const { source, counters, quarantine } = options;
    this.#ahead = new Ahead({ source, counters, quarantine, tell: gap => options.push(gap) });
  }

  message(bytes: Buffer): void {
    const { counters, push } = this.#options;
    counters.bytes += bytes.length;
    let event: Event | null;
    const unknown = this.#decoder.unknownKinds;
    try {
      event = this.#decoder.decode(bytes);
    } catch (error) {
      counters.malformed++;
      const { place, quarantine, source } = this.#options;
      quarantine.put({ source, place, reason: describeError(error), bytes });
      return;
    }
    counters.unknownKinds += this.#decoder.unknownKinds - unknown;
    if (event === null || !this.#ahead.passes(event)) return;
    if (event.kind === 'flow') this.#flow(event, bytes);
    else if (event.kind === 'lost_events') {
      counters.lost += event.count;
      this.#lost.add(event);
    } else push(event);
  }

  /** The stream broke and will be opened again, asking for what came since shortly before. */
  interrupted(): void {
    if (this.newest === null) return;
    this.#awaited = new Set(this.#nodes.names());
    this.#brokenAt = this.newest;
  }

  close(): void {
    this.#lost.close();
  }

  #flow(flow: FlowEvent, bytes: Buffer): void {
    const { counters, push } = this.#options;
    const duplicate = this.#seen.seen(flow, bytes);
    if (this.#awaited.delete(flow.node) && !duplicate) {
      // Had the node's ring still held the overlap, its first flow would be one that we know. Up to the break all was heard.
      const gap = this.#nodes.gapBefore(flow, this.#brokenAt);
      if (gap !== null) push(gap);
    }
    if (duplicate) {
      counters.duplicates++;
      return;
    }
    this.#nodes.remember(flow);
    if (this.newest === null || flow.time > this.newest) this.newest = flow.time;
    push(flow);
  }
}
