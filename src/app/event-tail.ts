/** The joined stream as it happens, for whoever listens; costs nothing while nobody does. */
import type { Observation } from '../model/observation.ts';

export type Listener = (observation: Observation) => void;

export class EventTail {
  readonly #listeners = new Set<Listener>();
  readonly #onFailed: (error: Error) => void;

  constructor(onFailed: (error: Error) => void) {
    this.#onFailed = onFailed;
  }

  /** Called for every event. A listener that fails is told nothing more: detection goes on. */
  tell(observation: Observation): void {
    for (const listener of this.#listeners) {
      try {
        listener(observation);
      } catch (error) {
        this.#listeners.delete(listener);
        this.#onFailed(error as Error);
      }
    }
  }

  /** Returns what ends it. The listener must not keep the observation: the engine goes on changing it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
