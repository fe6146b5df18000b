/** Keeping observations: a decoder's record may share a large buffer, so what is kept gets memory of its own. */
import type { Observation } from '../model/observation.ts';

/** Makes the kept form of an observation, once, however many rules keep the same one. */
export class Retainer {
  #last: Observation | null = null;
  #kept: Observation | null = null;

  keep(observation: Observation): Observation {
    if (this.#last === observation && this.#kept !== null) return this.#kept;
    const event = { ...observation.event, raw: observation.event.raw.detach() };
    this.#last = observation;
    this.#kept = { ...observation, event };
    return this.#kept;
  }

  /** Called before each new observation: nothing is held for longer than its step. */
  reset(): void {
    this.#last = null;
    this.#kept = null;
  }
}
