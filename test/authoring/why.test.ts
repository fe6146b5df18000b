/** Why alerts of recorded attacks fired, from what an alert keeps alone. */
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { TACTICS, TECHNIQUES } from '../../src/authoring/attack.ts';
import { whyOf } from '../../src/authoring/why.ts';
import { loadRules } from '../../src/rules/load.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';
import { alertsOf, eventsOf, shippedRules } from './recorded.ts';

const ruleOf = (alert: Alert): Rule | null => shippedRules().find(({ id }) => id === alert.rule.id) ?? null;
const recorded = ['lateral-movement', 'credential-theft', 'exfil'].flatMap(scenario =>
  alertsOf(shippedRules(), eventsOf(scenario)),
);
const fired = (title: string): Alert => {
  const found = recorded.find(({ rule }) => rule.title === title);
  if (found === undefined) throw new Error(`no alert of ${title}`);
  return found;
};

describe('why an alert fired', () => {
  it('is known for every step of every recorded alert, but where more was known than the evidence says', () => {
    let parts = 0;
    let unproved = 0;
    for (const alert of recorded) {
      const why = whyOf(alert, ruleOf(alert), decodeLine);
      expect(why.rule, alert.rule.title).toBe('same');
      for (const { role, id, events } of why.parts) {
        if (role === 'absent' || role === 'until') continue;
        parts += 1;
        expect(events.length, `${alert.rule.title} ${id}`).toBeGreaterThan(0);
        if (!events.every(({ holds }) => holds)) unproved += 1;
      }
    }
    expect(parts).toBeGreaterThan(60);
    expect(unproved / parts).toBeLessThan(0.05);
  });

  it('names each step, its event and the values that met its conditions', () => {
    const alert = fired("Data sent to an object store from an attacker's shell");
    const why = whyOf(alert, ruleOf(alert), decodeLine);
    expect(why.ties[0]).toMatch(/^The steps came in this order, of one process, within 300 s\.$/);
    expect(why.parts.filter(({ role }) => role === 'step').length).toBeGreaterThan(1);
    const egress = why.parts.find(({ id }) => id === 'egress');
    const [event] = egress?.events ?? [];
    expect(event).toMatchObject({ holds: true, kind: alert.evidence[event?.event ?? -1]?.kind });
    const named = event?.conditions.find(({ asks }) => asks.startsWith('network.destination.names'));
    expect(named).toMatchObject({ verdict: 'true', value: expect.stringContaining('amazonaws.com') });
    // Of alternatives, those that hold.
    for (const { verdict, depth } of event?.conditions ?? []) if (depth === 0) expect(verdict).toBe('true');
  });

  it('says that the rule has changed, is gone, or can no longer be told', () => {
    const alert = fired('Reverse shell by a network tool');
    const rule = ruleOf(alert) as Rule;
    expect(whyOf(alert, { ...rule, hash: 'other' }, decodeLine).rule).toBe('changed');
    expect(whyOf(alert, null, decodeLine)).toEqual({ rule: 'gone', ties: [], parts: [] });
    const cut = { ...alert, evidence: alert.evidence.map(each => ({ ...each, raw: { truncated: true, head: '{' } })) };
    const why = whyOf(cut, rule, decodeLine);
    expect(why.rule).toBe('unknown');
    for (const { events } of why.parts)
      for (const { holds, conditions } of events) expect([holds, conditions]).toEqual([null, []]);
  });

  it('says unknown of a field that the sensors did not report', () => {
    const alert = fired('Reverse shell by a network tool');
    const [rule] = loadRules([
      {
        file: 'x.yaml',
        text: `title: x
taxonomy: spoor
level: low
detection: { all: { process.name: nc.traditional, process.env.SECRET: x }, condition: all }
`,
      },
    ]).rules;
    const why = whyOf(alert, rule ?? null, decodeLine);
    const lines = why.parts.flatMap(({ events }) => events.flatMap(({ conditions }) => conditions));
    expect(lines.find(({ asks }) => asks.startsWith('process.env.SECRET'))).toMatchObject({
      verdict: 'unknown',
      value: null,
    });
    expect(lines.find(({ asks }) => asks.startsWith('process.name'))).toMatchObject({
      verdict: 'true',
      value: 'nc.traditional',
    });
  });
});

it('knows every technique that a shipped rule is tagged with, once, under tactics of the matrix', () => {
  const known = new Set(TECHNIQUES.map(({ id }) => id));
  expect(known.size).toBe(TECHNIQUES.length);
  for (const { id, name, tactics } of TECHNIQUES) {
    expect(id).toMatch(/^T\d{4}(\.\d{3})?$/);
    expect(name).not.toBe('');
    expect(tactics.length, id).toBeGreaterThan(0);
    for (const tactic of tactics) expect(TACTICS).toContain(tactic);
  }
  const tagged = shippedRules().flatMap(({ tags }) => tags.filter(tag => /^attack\.t\d/.test(tag)));
  expect(tagged.filter(tag => !known.has(tag.slice('attack.'.length).toUpperCase()))).toEqual([]);
});
