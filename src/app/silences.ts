/** Which silence, if any, keeps an alert from being told. */
import type { Alert } from '../alerts/alert.ts';
import { alertMatches } from '../sinks/index.ts';
import type { Silence } from '../store/silence.ts';

/** Id of a silence that covers `alert` at `nowMs`, or null. */
export function silencing(alert: Alert, silences: readonly Silence[], nowMs: number): string | null {
  return silences.find(({ match, until }) => until > nowMs && alertMatches(alert, match))?.id ?? null;
}
