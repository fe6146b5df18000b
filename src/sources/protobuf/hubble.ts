/** `observer.GetFlowsResponse` bytes → events, by the same rules as the JSON decoder. */
import type { Event } from '../../model/event.ts';
import type { Interned } from '../intern.ts';
import { flowEvent, hubbleEnvelope, lostEventsFact, nodeStatusFact } from '../json/hubble.ts';
import { isObject } from '../json/values.ts';
import { exportJson, type JsonObject } from './export-json.ts';
import { WireError } from './reader.ts';
import { MessageRecord } from './record.ts';
import { messageSpec } from './schema.ts';

export class HubbleDecoder {
  readonly #response = messageSpec('observer.GetFlowsResponse');
  readonly #source: string;
  readonly #interned: Interned;
  /** Messages of a kind that this version does not know, which were passed over. */
  unknownKinds = 0;

  constructor(source: string, interned: Interned) {
    this.#source = source;
    this.#interned = interned;
  }

  /** Null for kinds that this version does not know, which are counted. Throws `WireError` when the bytes are no such message. */
  decode(bytes: Buffer): Event | null {
    const line = exportJson(this.#response, bytes);
    const raw = new MessageRecord(this.#response, bytes);
    const event = this.#event(line, raw);
    if (event === null) this.unknownKinds++;
    else if (event === UNTIMED) throw new WireError('an event without a time');
    else return event;
    return null;
  }

  #event(line: JsonObject, raw: MessageRecord): Event | typeof UNTIMED | null {
    const { flow, lost_events: lost, node_status: status } = line;
    if (isObject(flow)) {
      return flowEvent(line, flow, hubbleEnvelope(line, flow, this.#source, raw), this.#interned) ?? UNTIMED;
    }
    if (isObject(lost)) return lostEventsFact(line, lost, hubbleEnvelope(line, lost, this.#source, raw)) ?? UNTIMED;
    if (isObject(status))
      return nodeStatusFact(line, status, hubbleEnvelope(line, status, this.#source, raw)) ?? UNTIMED;
    return null;
  }
}

const UNTIMED = Symbol();
