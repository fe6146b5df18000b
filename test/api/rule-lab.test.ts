/** Rules over the API without a file: checked as by `rules lint`, tested, tried; hostile text costs nobody else anything. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startApi } from './support.ts';

const RULE = `title: Netcat to a strange port
id: 3f0c6f5e-6a55-4d0e-9d7a-9c0f5d1f2b01
status: experimental
level: high
taxonomy: spoor
description: For a test.
author: me
date: 2026-01-01
tags: [attack.execution, attack.t1059]
falsepositives: [none]
message: '{process.command_line} in {pod.namespace}/{pod.name}'
logsource: { category: process_creation }
detection:
  tool: { process.name: [nc.traditional] }
  condition: tool
tests:
  - name: fires
    events:
      - exec: { binary: /usr/bin/nc.traditional, arguments: -l, pod: shop/cart }
    expect: { alerts: 1 }
  - name: quiet
    events:
      - exec: { binary: /usr/bin/ls, pod: shop/cart }
    expect: { alerts: 0 }
`;

let api: Harness;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const check = async (text: string) => (await api.post('/api/v1/rules/check', { text })).json;

describe('a rule that is posted', () => {
  it('is checked with places and hints', async () => {
    const whole = await check(RULE);
    expect(whole.diagnostics).toEqual([]);
    expect(whole.tests.map(({ name }: { name: string }) => name)).toEqual(['fires', 'quiet']);
    const { diagnostics } = await check(RULE.replace('process.name: [nc', 'process.nme: [nc'));
    expect(diagnostics).toContainEqual(
      expect.objectContaining({ code: 'unknown-field', severity: 'error', line: 14, column: expect.any(Number) }),
    );
    expect(JSON.stringify(diagnostics)).toContain('process.name');
  });

  it('runs its tests, and names the event that came nearest', async () => {
    const good = (await api.post('/api/v1/rules/test', { text: RULE })).json.items;
    expect(good.map(({ passed }: { passed: boolean }) => passed)).toEqual([true, true]);
    const bad = (await api.post('/api/v1/rules/test', { text: RULE.replace('/usr/bin/nc.trad', '/usr/bin/socat') }))
      .json;
    expect(bad.items[0]).toMatchObject({ passed: false, alerts: 0 });
    expect(bad.items[0].problems.join('\n')).toContain('nearest');
  });

  it('reads no file of the machine for its tests', async () => {
    for (const path of ['/etc/passwd', '../../../../../../../../etc/passwd', '../../package.json']) {
      const text = RULE.replace(
        /tests:[\s\S]*/,
        `tests:\n  - name: reads\n    capture: ${path}\n    expect: { alerts: 0 }\n`,
      );
      const { items } = (await api.post('/api/v1/rules/test', { text })).json;
      expect(items[0].passed).toBe(false);
      expect(items[0].problems.join()).toContain('not among the recordings that ship');
      expect(items[0].problems.join()).not.toContain('root:');
    }
  });

  it('is completed and explained from the catalogue', async () => {
    const text = RULE.replace('process.name: [nc.traditional]', 'process.na');
    const line = text.split('\n').findIndex(each => each.includes('process.na'));
    const character = (text.split('\n')[line] ?? '').indexOf('process.na') + 'process.na'.length;
    const { items } = (await api.post('/api/v1/rules/complete', { text, line, character })).json;
    expect(items.map(({ label }: { label: string }) => label)).toContain('process.name');
    const hover = await api.post('/api/v1/rules/hover', { text: RULE, line: 13, character: 14 });
    expect(hover.json.text).toContain('process.name');
  });

  it('is tried on a recording, with its evidence and its cost', async () => {
    const on = { type: 'recording', name: 'lateral-movement' };
    const { json } = await api.post('/api/v1/rules/try', { text: RULE, on });
    expect(json.replay).toMatchObject({ kind: 'try', state: 'done', result: { rules: 1 } });
    expect(json.alerts.length).toBeGreaterThan(0);
    expect(json.alerts[0].evidence.length).toBeGreaterThan(0);
    expect(json.alerts[0].message).toContain('nc.traditional');
    expect(json.replay.result.costs[0]).toMatchObject({
      title: 'Netcat to a strange port',
      matched: json.alerts.length,
    });
    expect(json.replay.result.costs[0].seconds).toBeGreaterThan(0);
    const base = `/api/v1/replays/${json.replay.id}`;
    expect((await api.get(`${base}/pods/tenant-jobs/crawler-556db57cd7-tkvfd/picture`)).status).toBe(200);

    const none = await api.post('/api/v1/rules/try', { text: RULE.replace('[nc.trad', '[nothing.trad'), on });
    expect(none.json.alerts).toEqual([]);
    expect(none.json.replay.result.nearest.join('\n')).toContain('nearest');
  });

  it('is not tried with errors, on what is not there, or past a token’s namespaces', async () => {
    const broken = await api.post('/api/v1/rules/try', {
      text: RULE.replace('condition: tool', 'condition: tol'),
      on: { type: 'recording', name: 'benign' },
    });
    expect(broken.status).toBe(422);
    expect(broken.json.detail).toContain('undefined-selection');
    for (const name of ['nowhere', '../captures/benign', '..'])
      expect((await api.post('/api/v1/rules/try', { text: RULE, on: { type: 'recording', name } })).status).toBe(404);
    expect((await api.post('/api/v1/rules/try', { text: RULE, on: { type: 'recorder' } })).status).toBe(409);
    const create = (namespaces: string[] | null, scopes: ('read' | 'write')[]) =>
      api.store.tokens.create({ name: 'x', scopes, namespaces, expires_at: null });
    const limited = await create(['shop'], ['write']);
    const reader = await create(null, ['read']);
    const tried = (token: string, on: object) => api.post('/api/v1/rules/try', { text: RULE, on }, { token });
    expect((await tried(limited.secret, { type: 'recorder' })).status).toBe(403);
    expect((await tried(reader.secret, { type: 'recording', name: 'benign' })).status).toBe(403);
    await api.store.tokens.revoke(limited.token.id);
    await api.store.tokens.revoke(reader.token.id);
  });
});

describe('hostile text', () => {
  const bombs = {
    'YAML aliases': `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [${`*${'abcdefghij'[i]},`.repeat(9)}]`).join('\n')}`,
    'deep nesting': `title: x\ndetection: ${'['.repeat(20_000)}`,
    'many documents': 'title: x\n---\n'.repeat(3_000),
    'many selections': `title: x\ndetection:\n${Array.from({ length: 3_000 }, (_, i) => `  s${i}: {process.name: a}`).join('\n')}\n  condition: 1 of s*`,
    nonsense: '\u0000\u001b]0;x\u0007<script>alert(1)</script>: %%%{{{',
  };

  it.each(Object.entries(bombs))('%s is answered, while everything else is', async (_name, text) => {
    const [checked, health] = await Promise.all([
      api.post('/api/v1/rules/check', { text: text.slice(0, 50_000) }),
      api.get('/health'),
    ]);
    expect(health.status).toBe(200);
    expect([200, 422]).toContain(checked.status);
    if (checked.status === 200) expect(checked.json.diagnostics.length).toBeGreaterThan(0);
  });

  it('that takes too long is ended, and the next question is answered', async () => {
    const slow = await startApi({ ruleLab: { limits: { checkMsMax: 1 } } });
    const refused = await slow.post('/api/v1/rules/check', { text: RULE });
    expect(refused.status).toBe(422);
    expect(refused.json.detail).toContain('smaller');
    expect((await slow.post('/api/v1/rules/test', { text: RULE })).status).toBe(200);
    await slow.close();
    expect((await api.post('/api/v1/rules/check', { text: 'x'.repeat(50_001) })).status).toBe(400);
  });
});
