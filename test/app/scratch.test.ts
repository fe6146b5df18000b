/** Rules tried on what a running program has recorded, and what stays of scratch work when it stops. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';

const RULE = `title: Netcat
id: 3f0c6f5e-6a55-4d0e-9d7a-9c0f5d1f2b02
level: high
taxonomy: spoor
logsource: { category: process_creation }
detection:
  tool: { process.name: nc.traditional }
  condition: tool
`;

it('a rule is tried on the last hour of the recorder, and nothing of it is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-scratch-'));
  const path = ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(file =>
    fileURLToPath(new URL(`../../captures/lateral-movement/${file}`, import.meta.url)),
  );
  const app = await startApp(
    configSchema.parse({
      sources: [{ type: 'capture', path }],
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'silent' },
    }),
  );
  try {
    await app.run();
    const before = await (await fetch(`${app.address}/api/v1/alerts?limit=500`)).json();
    const response = await fetch(`${app.address}/api/v1/rules/try`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: RULE, on: { type: 'recorder' } }),
    });
    expect(response.status).toBe(200);
    const { replay, alerts } = (await response.json()) as {
      replay: { state: string; counts: { events: Record<string, number> } };
      alerts: { pod: { name: string }; ancestors: unknown[] }[];
    };
    expect(replay.state).toBe('done');
    expect(replay.counts.events.flow).toBeGreaterThan(100);
    expect(alerts.map(({ pod }) => pod.name)).toContain('crawler-556db57cd7-tkvfd');
    expect(alerts[0]?.ancestors.length).toBeGreaterThan(0);
    expect(await (await fetch(`${app.address}/api/v1/alerts?limit=500`)).json()).toEqual(before);
    expect(existsSync(join(folder, 'spoor.db-replays'))).toBe(true);
  } finally {
    await app.stop();
  }
  expect(existsSync(join(folder, 'spoor.db-replays'))).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});
