import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatches } from '../../src/sinks/glob.ts';
import { route, routeConfig, unknownSinks } from '../../src/sinks/routes.ts';
import { anAlert } from './support.ts';

const SINKS = ['soc', 'pager', 'hook'];
const routes = (...configs: object[]) => configs.map(config => routeConfig.parse(config));
const names = (alert: ReturnType<typeof anAlert>, ...configs: object[]): string[] =>
  route(alert, routes(...configs), SINKS).map(target => target.sink);
const level = (value: string) => anAlert({ rule: { ...anAlert().rule, level: value as 'low' } });

describe('routes', () => {
  it('without any, send medium and above to every sink', () => {
    for (const l of ['medium', 'high', 'critical']) expect(names(level(l))).toEqual(SINKS);
    for (const l of ['informational', 'low']) expect(names(level(l))).toEqual([]);
  });

  it('end at the first match, unless it continues', () => {
    expect(names(anAlert(), { to: ['soc'] }, { to: ['pager'] })).toEqual(['soc']);
    expect(names(anAlert(), { to: ['soc'], continue: true }, { to: ['pager', 'soc'] }, { to: ['hook'] })).toEqual([
      'soc',
      'pager',
    ]);
    expect(names(anAlert(), { match: { level: 'low' }, to: ['soc'] }, { to: ['pager'] })).toEqual(['pager']);
    expect(names(anAlert(), { match: { level: 'low' }, to: ['soc'] })).toEqual([]);
  });

  it.each([
    [{ level: ['high', 'critical'] }, true],
    [{ level: 'high' }, false],
    [{ rule: 'rule-1' }, true],
    [{ rule: 'Reverse*' }, true],
    [{ rule: 'Reverse' }, false],
    [{ tag: 'attack.t1059.*' }, true],
    [{ tag: ['attack.t1003', 'attack.execution'] }, true],
    [{ tag: 'attack.t1003' }, false],
    [{ namespace: 'tenant-*' }, true],
    [{ namespace: 'tenant-?obs' }, true],
    [{ namespace: 'tenant' }, false],
    [{ workload: 'crawler' }, true],
    [{ workload: ['web', 'db-*'] }, false],
    [{ pod: 'crawler-?' }, true],
    [{ pod: 'crawler' }, false],
    [{ cluster: 'prod' }, true],
    [{ label: { app: ['nginx', 'craw*'] } }, true],
    [{ label: { app: 'crawler', tier: '*' } }, false],
    [{ label: { toString: '*' } }, false],
    [{ level: 'critical', namespace: 'kube-system' }, false],
    [{}, true],
  ])('match %j: %s', (match, expected) => {
    expect(names(anAlert(), { match, to: ['soc'] })).toEqual(expected ? ['soc'] : []);
  });

  it('by namespace or label never match a host', () => {
    expect(names(anAlert({ pod: null }), { match: { namespace: '*' }, to: ['soc'] })).toEqual([]);
    expect(names(anAlert({ pod: null }), { match: { label: { app: '*' } }, to: ['soc'] })).toEqual([]);
    expect(names(anAlert({ pod: null }), { match: { workload: '*' }, to: ['soc'] })).toEqual([]);
    expect(names(anAlert({ pod: null }), { match: { pod: '*' }, to: ['soc'] })).toEqual([]);
  });

  it('group by incident, with an interval', () => {
    const grouped = routes({ to: ['hook'], group_by: ['incident'], interval: '1m' });
    expect(route(anAlert(), grouped, SINKS)).toEqual([{ sink: 'hook', group: 'incident:i1', intervalMs: 60_000 }]);
    expect(route(anAlert({ incident_id: '' }), grouped, SINKS)).toEqual([{ sink: 'hook', group: '', intervalMs: 0 }]);
  });

  it('are checked', () => {
    expect(() => routes({ to: [] })).toThrow();
    expect(() => routes({ to: ['soc'], interval: '1m' })).toThrow(/group_by/);
    expect(() => routes({ to: ['soc'], interval: 60 })).toThrow();
    expect(() => routes({ match: { level: 'severe' }, to: ['soc'] })).toThrow();
    expect(() => routes({ match: { colour: 'x' }, to: ['soc'] })).toThrow(/colour/);
    expect(unknownSinks(routes({ to: ['soc'] }, { to: ['sco', 'soc'] }), SINKS)).toEqual([{ route: 1, sink: 'sco' }]);
  });
});

describe('globMatches', () => {
  it('agrees with a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (pattern, subject) => {
        const regex = pattern.replaceAll('.', '\\.').replaceAll('?', '.').replaceAll('*', '.*');
        return globMatches(pattern, subject) === new RegExp(`^${regex}$`, 's').test(subject);
      }),
      { numRuns: 2_000 },
    );
  });
});
