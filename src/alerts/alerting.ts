/** The alert stage: findings in, alerts and incidents out. Pure: event time only, the same findings give the same answers. */
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';

export interface AlertingOptions {
  /** The same rule and key within this time of the last finding counts up. Micros. */
  readonly suppress: Micros;
  /** How long after its last alert an incident still takes in alerts of its pods and of their peers. Micros. */
  readonly incidentWindow: Micros;
}

export const ALERTING_DEFAULTS: AlertingOptions = {
  suppress: 5 * 60 * MICROS_PER_SECOND,
  incidentWindow: 30 * 60 * MICROS_PER_SECOND,
};
