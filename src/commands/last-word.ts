/** The last word on the alerts and incidents of a replay: counts, incidents and gaps change while the events go on. */
import type { Alert, AlertChange, Incident } from '../alerts/alert.ts';

export class LastWord {
  readonly #alerts = new Map<string, Alert>();
  readonly #incidents = new Map<string, Incident>();
  /** Ids of an incident's alerts: what one more alert costs must not depend on how many there are. */
  readonly #members = new Map<string, string[]>();

  /** First fired first. */
  get alerts(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  /** First opened first, without those that became part of others. */
  get incidents(): readonly Incident[] {
    return [...this.#incidents.values()];
  }

  take({ type, alert, incident, attached, merged }: AlertChange): void {
    const known = this.#alerts.get(alert.id);
    this.#alerts.set(alert.id, known === undefined ? alert : { ...alert, evidence: known.evidence });
    if (incident === null) return;
    this.#incidents.set(incident.id, incident);
    const members = this.#members.get(incident.id) ?? [];
    this.#members.set(incident.id, members);
    const moved = [...attached, ...merged.flatMap(({ id }) => this.#members.get(id) ?? [])];
    for (const id of moved) {
      const other = this.#alerts.get(id);
      if (other !== undefined) this.#alerts.set(id, { ...other, incident_id: incident.id });
      members.push(id);
    }
    if (type === 'new') members.push(alert.id);
    for (const { id } of merged) {
      this.#members.delete(id);
      this.#incidents.delete(id);
    }
  }
}
