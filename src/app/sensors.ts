/** What the sensors of this installation report: looked at while events pass, at a price that does not show. */
import { SensorView } from '../authoring/coverage.ts';
import type { Observation } from '../model/observation.ts';

/** All of so many events are looked at, then one of so many. */
const WHOLE_FIRST = 20_000;
const THEN_ONE_OF = 64;

export class Sensors {
  readonly view = new SensorView();
  /** RFC 3339. */
  readonly since = new Date().toISOString();
  #passed = 0;

  add(observation: Observation): void {
    const { event } = observation;
    this.#passed += 1;
    // A kind or hook that is seen for the first time is never passed over: it may be rare.
    const isNew =
      !this.view.kinds.has(event.kind) || ('functionName' in event && !this.view.functions.has(event.functionName));
    if (isNew || this.#passed <= WHOLE_FIRST || this.#passed % THEN_ONE_OF === 0) this.view.add(observation);
  }
}
