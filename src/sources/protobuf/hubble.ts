/** `observer.GetFlowsResponse` bytes → events, by the same rules as the JSON decoder. */
import type { Event, FlowEvent } from '../../model/event.ts';
import type { Instant } from '../../model/time.ts';
import { type Interned, splitNodeName } from '../intern.ts';
import { flowEvent, hubbleEnvelope, lostEventsFact, nodeStatusFact } from '../json/hubble.ts';
import { isObject } from '../json/values.ts';
import { exportJson, type JsonObject } from './export-json.ts';
import { FlowReader } from './flow.ts';
import { BYTES, newTextMemo, Reader, readInstant, WireError } from './reader.ts';
import { MessageRecord } from './record.ts';
import { messageSpec } from './schema.ts';

const FLOW_TAG = (1 << 3) | BYTES;
const NODE_NAME_TAG = (1000 << 3) | BYTES;
const TIME_TAG = (1001 << 3) | BYTES;

export class HubbleDecoder {
  readonly #response = messageSpec('observer.GetFlowsResponse');
  readonly #source: string;
  readonly #interned: Interned;
  readonly #flows: FlowReader;
  readonly #nodeMemo = newTextMemo();
  /** Messages of a kind that this version does not know, which were passed over. */
  unknownKinds = 0;

  constructor(source: string, interned: Interned) {
    this.#source = source;
    this.#interned = interned;
    this.#flows = new FlowReader(interned);
  }

  /** Null for kinds that this version does not know, which are counted. Throws `WireError` when the bytes are no such event. */
  decode(bytes: Buffer): Event | null {
    const raw = new MessageRecord(this.#response, bytes);
    return this.#flow(bytes, raw) ?? this.#any(exportJson(this.#response, bytes), raw);
  }

  /** A flow in an envelope of the usual kind; null when the message is another, or wants the patience of the long way. */
  #flow(bytes: Buffer, raw: MessageRecord): FlowEvent | null {
    const reader = new Reader(bytes);
    let start = -1;
    let end = 0;
    let nodeName = '';
    let time: Instant | null = null;
    while (reader.pos < bytes.length) {
      const tag = reader.uint32();
      if (tag === FLOW_TAG) {
        // Two parts of one flow would have to be merged.
        if (start >= 0) return null;
        end = reader.length();
        start = reader.pos;
        reader.pos = end;
      } else if (tag === NODE_NAME_TAG) nodeName = reader.repeatedString(this.#nodeMemo);
      else if (tag === TIME_TAG) time = readInstant(reader, reader.length());
      else reader.skip(tag & 7);
    }
    if (start < 0 || nodeName === '') return null;
    reader.pos = start;
    const { node, cluster } = splitNodeName(nodeName);
    return this.#flows.read(reader, end, time, { source: this.#source, node, cluster, raw });
  }

  #any(line: JsonObject, raw: MessageRecord): Event | null {
    const { flow, lost_events: lost, node_status: status } = line;
    let event: Event | null;
    if (isObject(flow)) {
      event = flowEvent(line, flow, hubbleEnvelope(line, flow, this.#source, raw), this.#interned);
    } else if (isObject(lost)) {
      event = lostEventsFact(line, lost, hubbleEnvelope(line, lost, this.#source, raw));
    } else if (isObject(status)) {
      event = nodeStatusFact(line, status, hubbleEnvelope(line, status, this.#source, raw));
    } else {
      this.unknownKinds++;
      return null;
    }
    if (event === null) throw new WireError('an event without a time');
    return event;
  }
}
