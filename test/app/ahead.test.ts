/** One event of 2099 between others: everybody else's time goes on, and the loss is told. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Alert, Gap } from '../../src/alerts/alert.ts';
import { App } from '../../src/app/app.ts';
import { configSchema } from '../../src/config/schema.ts';
import { captureLines } from '../sources/json/lines-of.ts';
import { replayFolder } from '../support/replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-ahead-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const timeOf = (line: string): string => (JSON.parse(line) as { time: string }).time;

it.each(['ingest', 'file'] as const)('keeps its time through one (%s)', async type => {
  const lines = ['tetragon', 'hubble'].flatMap(sensor => captureLines(`miner/${sensor}.jsonl.gz`));
  lines.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
  const middle = lines.length >> 1;
  const future = (lines[middle] as string).replaceAll(timeOf(lines[middle] as string).slice(0, 10), '2099-01-01');
  const body = [...lines.slice(0, middle), future, ...lines.slice(middle)].map(line => `${line}\n`).join('');
  const path = join(folder, `${type}.log`);
  writeFileSync(path, type === 'file' ? body : '');
  const config = configSchema.parse({
    sources: [type === 'file' ? { type, path } : { type }],
    store: { path: join(folder, type, 'spoor.db') },
    api: { listen: '127.0.0.1:0' },
    rules: { watch: false },
    detection: { lateness: '50ms' },
  });
  const app = await App.start(config, { version: 'test', log: () => undefined });
  try {
    void app.run();
    const get = async <T>(path: string): Promise<T> =>
      (await (await fetch(`${app.address}/api/v1/${path}`)).json()) as T;
    if (type === 'ingest') {
      const answer = await fetch(`${app.address}/api/v1/ingest`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-ndjson' },
      });
      expect(await answer.json()).toMatchObject({ ahead: 1, malformed: 0 });
    }
    const processed = () => [...app.pipeline.events.values()].reduce((sum, n) => sum + n, 0);
    await expect.poll(() => [processed() >= lines.length, app.pipeline.held], { timeout: 20_000 }).toEqual([true, 0]);
    const status = await get<{
      late: number;
      watermark: string;
      sources: { newest: string; counters: { ahead: number } }[];
    }>('status');
    expect(status.late).toBe(0);
    expect(status.watermark.slice(0, 4)).toBe(timeOf(lines[0] as string).slice(0, 4));
    expect(status.sources[0]).toMatchObject({ counters: { ahead: 1 } });
    expect(status.sources[0]?.newest.slice(0, 4)).toBe(status.watermark.slice(0, 4));
    const expected = (await replayFolder(join(import.meta.dirname, '../../captures/miner'))).alerts.map(({ id }) => id);
    const ids = async () => (await get<{ items: Alert[] }>('alerts?limit=500')).items.map(({ id }) => id).sort();
    await expect.poll(ids, { timeout: 10_000 }).toEqual(expected.sort());
    const reasons = async () => (await get<{ items: Gap[] }>('gaps')).items.map(({ reason }) => reason);
    await expect.poll(reasons, { timeout: 20_000 }).toContain('SPOOR_CLOCK_AHEAD');
  } finally {
    await app.stop();
  }
});
