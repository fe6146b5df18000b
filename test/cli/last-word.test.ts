import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { LastWord } from '../../src/commands/last-word.ts';
import { makeAlert, makeChange, makeIncident } from '../store/changes.ts';

const incidentOf = (word: LastWord): string[] => word.alerts.map(alert => alert.incident_id);

describe('the last word of a replay', () => {
  it('keeps the evidence of an alert that counts up', () => {
    const word = new LastWord();
    word.take(makeChange(makeAlert('a')));
    word.take(makeChange({ ...makeAlert('a'), count: 7, evidence: [] }, { type: 'counted' }));
    expect(word.alerts).toMatchObject([{ id: 'a', count: 7, evidence: makeAlert('a').evidence }]);
  });

  it('follows alerts into the incident that takes them in, merge after merge', () => {
    const word = new LastWord();
    word.take(makeChange(makeAlert('context', { incident: null })));
    word.take(makeChange(makeAlert('one', { incident: 'first' }), { attached: ['context'] }));
    expect(incidentOf(word)).toEqual(['first', 'first']);
    for (const [alert, into, from] of [
      ['two', 'second', 'first'],
      ['three', 'third', 'second'],
    ] as const) {
      const gone = { ...makeIncident(from, []), state: 'merged' as const, merged_into: into };
      word.take(makeChange(makeAlert(alert, { incident: into }), { merged: [gone] }));
    }
    expect(incidentOf(word)).toEqual(['third', 'third', 'third', 'third']);
    expect(word.incidents.map(({ id }) => id)).toEqual(['third']);
  });

  it('does not look at the alerts of an incident again for one more', () => {
    const word = new LastWord();
    let looks = 0;
    const watched = (id: string): Alert =>
      new Proxy(makeAlert(id), {
        get: (alert, key) => {
          looks++;
          return alert[key as keyof Alert];
        },
      });
    const costs = Array.from({ length: 500 }, (_, i) => {
      const change = makeChange(watched(`${i}`));
      looks = 0;
      word.take(change);
      return looks;
    });
    expect(costs.at(-1)).toBe(costs[0]);
  });
});
