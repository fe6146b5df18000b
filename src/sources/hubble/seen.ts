/** Flows that were delivered before: a reconnect, and Relay when it finds a new peer, send again what the rings still hold. */
import { createHash } from 'node:crypto';
import type { FlowEvent } from '../../model/event.ts';
import { GenerationMap } from '../intern.ts';

/** Flows a generation; twice as many cover the overlap of a reconnect at 10,000 flows a second. */
const FLOWS_MAX = 65_536;

export class SeenFlows {
  readonly #known = new GenerationMap<string, true>(FLOWS_MAX);

  /** Whether this flow came before; remembers it. Flows of old agents have no uuid: their content, with its time, stands for it. */
  seen(flow: FlowEvent, bytes: Buffer): boolean {
    const key = flow.uuid !== '' ? flow.uuid : createHash('sha1').update(bytes).digest('base64');
    if (this.#known.get(key) !== undefined) return true;
    this.#known.set(key, true);
    return false;
  }
}
