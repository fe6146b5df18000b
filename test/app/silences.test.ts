import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { App } from '../../src/app/app.ts';
import { configSchema } from '../../src/config/schema.ts';
import { captureLines } from '../sources/json/lines-of.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-silences-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('keeps a silenced alert, tells nobody of it, and says so', async () => {
  const told = join(folder, 'told.jsonl');
  const config = configSchema.parse({
    sources: [{ type: 'ingest' }],
    store: { path: join(folder, 'spoor.db') },
    recorder: { keep: '0s' },
    sinks: { told: { type: 'file', path: told } },
    api: { listen: '127.0.0.1:0' },
    rules: { watch: false },
    detection: { lateness: '50ms' },
  });
  const app = await App.start(config, { version: 'test', log: () => undefined });
  void app.run();
  try {
    const api = `${app.address}/api/v1`;
    const items = async <T>(path: string): Promise<T[]> =>
      ((await (await fetch(`${api}/${path}`)).json()) as { items: T[] }).items;
    const made = await fetch(`${api}/silences`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        match: { level: ['critical', 'high'], workload: ['*'] },
        until: new Date(Date.now() + 600_000).toISOString(),
        reason: 'a drill',
      }),
    });
    const { id } = (await made.json()) as { id: string };
    for (const file of ['tetragon', 'hubble']) {
      const body = [...captureLines(`miner/${file}.jsonl.gz`)].map(line => `${line}\n`).join('');
      expect((await fetch(`${api}/ingest`, { method: 'POST', body })).status).toBe(200);
    }
    const silenced = async () => (await items<Alert>('alerts?level=critical,high')).filter(alert => alert.pod !== null);
    await expect.poll(async () => (await silenced()).length, { timeout: 20_000 }).toBeGreaterThan(0);
    // Everything that came is processed.
    await expect.poll(() => app.pipeline.held, { timeout: 20_000 }).toBe(0);
    const alerts = await silenced();
    expect(new Set(alerts.map(alert => alert.silenced))).toEqual(new Set([id]));
    for (const alert of alerts) expect(await items(`deliveries?alert=${alert.id}`)).toEqual([]);
    expect(await items('silences')).toMatchObject([{ id, active: true, alerts: alerts.length }]);
    const said = existsSync(told) ? readFileSync(told, 'utf8') : '';
    for (const alert of alerts) expect(said).not.toContain(alert.id);
  } finally {
    await app.stop();
  }
});
