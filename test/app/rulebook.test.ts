/** Why alerts fired, what exceptions would do and what can fire here, asked of a running program that played a break-in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import type { CoverageView, ExceptionView, WhyView } from '../../src/api/rulebook.ts';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';

const OWN = `title: Netcat of ours
id: 4f2cbb51-0f53-4d43-9d25-2b8a87a4a003
level: high
taxonomy: spoor
description: 'x'
tags: [attack.t1059]
logsource: {category: process_creation}
detection:
  netcat: { process.name: 'nc*' }
  condition: netcat
tests:
- name: fires
  events:
  - exec: {binary: /usr/bin/nc, pod: other/x}
  expect: {alerts: 1}
---
title: Needs what nobody reports
id: 4f2cbb51-0f53-4d43-9d25-2b8a87a4a004
level: low
taxonomy: spoor
description: 'x'
tags: [attack.t1611, attack.t9998.001, attack.privilege-escalation]
logsource: {category: process_creation}
detection:
  secret: { process.env.NO_SUCH_SECRET: 'x' }
  condition: secret
`;

describe('a running program about its rules', () => {
  let app: App;
  let folder: string;
  let file: string;
  let alerts: Alert[];
  const call = async (path: string, token?: string): Promise<Response> =>
    fetch(`${app.address}/api/v1${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const get = async <T>(path: string): Promise<T> => {
    const answer = await call(path);
    expect(answer.status, path).toBe(200);
    return (await answer.json()) as T;
  };
  const alertOf = (title: string): Alert => {
    const found = alerts.find(({ rule }) => rule.title === title);
    if (found === undefined) throw new Error(`no alert of ${title}`);
    return found;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-rulebook-'));
    file = join(folder, 'own.yaml');
    writeFileSync(file, OWN);
    app = await startApp(
      configSchema.parse({
        sources: [
          {
            type: 'capture',
            name: 'recording',
            path: ['tetragon', 'hubble'].map(sensor => `captures/lateral-movement/${sensor}.jsonl.gz`),
            speed: 'max',
          },
        ],
        rules: { paths: [file], watch: false },
        store: { path: join(folder, 'spoor.db') },
        api: { listen: '127.0.0.1:0' },
        log: { level: 'silent' },
      }),
    );
    await app.run();
    alerts = (await get<{ items: Alert[] }>('/alerts?limit=1000')).items;
  });
  afterAll(async () => {
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says why an alert fired, by each condition with its value', async () => {
    const { id } = alertOf('Reverse shell by a network tool');
    const why = await get<WhyView>(`/alerts/${id}/why`);
    expect(why.rule).toMatchObject({ state: 'same', title: 'Reverse shell by a network tool' });
    const conditions = why.parts.flatMap(({ events }) => events.flatMap(event => event.conditions));
    expect(conditions.some(({ verdict, value }) => verdict === 'true' && value === 'nc.traditional')).toBe(true);
    expect((await call('/alerts/ffffffffffffffff/why')).status).toBe(404);
  });

  it('proposes an exception with proof, and says what it would have covered', async () => {
    const { id } = alertOf('Netcat of ours');
    const { reason, exception, proof, covers, rule } = await get<ExceptionView>(`/alerts/${id}/exception`);
    expect(reason).toBe('');
    expect(rule).toMatchObject({ file: 'own.yaml', line: 1 });
    expect(exception?.conditions).toContainEqual({ field: 'pod.namespace', comp: '=', value: 'tenant-jobs' });
    expect(exception?.yaml).toMatch(/^exceptions:\n {2}- name: alert_/);
    expect(proof).toMatchObject({ holds: true, suppressed: true, errors: [] });
    expect(proof?.tests).toEqual([{ name: 'fires', fires: true, before: true, after: true, problems: [] }]);
    const all = alerts.filter(alert => alert.rule.title === 'Netcat of ours').length;
    expect(covers).toEqual({ alerts: expect.any(Number), of: all, more: false });
    expect(covers.alerts).toBeGreaterThan(0);
  });

  it('proves by the file as it stands now, and says which test would break', async () => {
    const { id } = alertOf('Netcat of ours');
    const broken = `- name: never passes
  events:
  - exec: {binary: /usr/bin/ls, pod: other/x}
  expect: {alerts: 1}
`;
    writeFileSync(file, OWN.replace('---\n', `${broken}---\n`));
    try {
      const { proof } = await get<ExceptionView>(`/alerts/${id}/exception`);
      expect(proof?.tests.map(({ name, before, after }) => [name, before, after])).toEqual([
        ['fires', true, true],
        ['never passes', false, false],
      ]);
      expect(proof?.tests[1]?.problems.length).toBeGreaterThan(0);
      writeFileSync(file, 'title: [');
      expect((await get<ExceptionView>(`/alerts/${id}/exception`)).reason).not.toBe('');
    } finally {
      writeFileSync(file, OWN);
    }
  });

  it('counts the alerts of each rule by hour', async () => {
    const { from, items } = await get<{
      from: string;
      items: { rule: string; alerts: number; last: string; hours: number[] }[];
    }>('/rules/statistics');
    expect(from).toMatch(/:00:00\.000Z$/);
    const ids = new Set(alerts.map(({ rule }) => rule.id));
    expect(new Set(items.map(({ rule }) => rule))).toEqual(ids);
    for (const { rule, alerts: n, last, hours } of items) {
      const own = alerts.filter(alert => alert.rule.id === rule);
      expect(n).toBe(own.length);
      expect(last).toBe(
        own
          .map(({ time }) => time)
          .sort()
          .at(-1),
      );
      expect(hours).toHaveLength(24);
      // The recording lasts minutes.
      expect(hours.reduce((a, b) => a + b, 0)).toBe(n);
    }
  });

  it('knows which techniques are covered, and which rules cannot fire here', async () => {
    const { rules, techniques, since } = await get<CoverageView>('/coverage');
    expect(since).not.toBeNull();
    const known = new Set(techniques.map(({ id }) => id));
    const missing = (title: string) => rules.find(rule => rule.title === title)?.missing;
    expect(missing('Netcat of ours')).toEqual([]);
    expect(missing('Needs what nobody reports')).toEqual(['tetragon.env']);
    for (const rule of rules.filter(({ id }) => alerts.some(alert => alert.rule.id === id)))
      expect(rule.missing, rule.title).toEqual([]);
    for (const { techniques: own } of rules) for (const id of own) expect(known).toContain(id);
    // Also those that the table of names lacks.
    expect(techniques).toContainEqual({ id: 'T9998', name: '', tactics: ['privilege_escalation'] });
    const layer = await get<{ domain: string; techniques: { techniqueID: string }[] }>('/coverage/navigator');
    expect(layer.domain).toBe('enterprise-attack');
    expect(layer.techniques.map(({ techniqueID }) => techniqueID)).toContain('T1611');
  });

  it('shows a rule as its author wrote it', async () => {
    const source = await get<{ text: string; file: string; line: number }>(
      '/rules/4f2cbb51-0f53-4d43-9d25-2b8a87a4a003/source',
    );
    expect(source).toEqual({ file: 'own.yaml', line: 1, text: OWN.split('---\n')[0] });
    expect((await call('/rules/no-such-rule/source')).status).toBe(404);
  });

  it('tells limited tokens of their namespaces alone', async () => {
    const make = async (body: object, token?: string): Promise<string> => {
      const answer = await fetch(`${app.address}/api/v1/tokens`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(201);
      return ((await answer.json()) as { secret: string }).secret;
    };
    const admin = await make({ name: 'a', scopes: ['admin'] });
    const limited = await make({ name: 'l', scopes: ['read', 'write'], namespaces: ['elsewhere'] }, admin);
    const { id, rule } = alertOf('Netcat of ours');
    for (const path of [`/alerts/${id}/why`, `/alerts/${id}/exception`])
      expect((await call(path, limited)).status).toBe(404);
    expect((await call(`/rules/${rule.id}/source`, limited)).status).toBe(403);
    expect(await (await call('/rules/statistics', limited)).json()).toEqual({ from: null, items: [] });
    const coverage = (await (await call('/coverage', limited)).json()) as CoverageView;
    expect(coverage.since).toBeNull();
    expect(coverage.rules.every(({ missing }) => missing === null)).toBe(true);
    // That something cannot fire here is not in the layer, either.
    expect(await (await call('/coverage/navigator', limited)).text()).not.toContain('cannot fire');
    expect(await (await call('/coverage/navigator', admin)).text()).toContain('cannot fire');
    const incident = alertOf('Reverse shell by a network tool').incident_id;
    const comment = (token: string) =>
      fetch(`${app.address}/api/v1/incidents/${incident}/comments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ text: 'looked at it' }),
      });
    expect((await comment(limited)).status).toBe(404);
    expect((await comment(admin)).status).toBe(204);
    const timeline = (await (await call(`/incidents/${incident}/timeline`, admin)).json()) as { items: object[] };
    expect(timeline.items).toContainEqual(
      expect.objectContaining({ type: 'action', actor: 'a', action: 'incident.comment', reason: 'looked at it' }),
    );
  });
});
