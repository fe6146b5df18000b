import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { App } from '../../src/app/app.ts';
import { configSchema } from '../../src/config/schema.ts';
import { captureLines } from '../sources/json/lines-of.ts';
import { replayFolder } from '../support/replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-app-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const captures = join(import.meta.dirname, '../../captures');
const config = (keep: string) =>
  configSchema.parse({
    sources: [{ type: 'capture', path: ['tetragon', 'hubble'].map(f => join(captures, 'miner', `${f}.jsonl.gz`)) }],
    store: { path: join(folder, keep, 'spoor.db') },
    recorder: { keep },
    api: { listen: '127.0.0.1:0' },
    rules: { watch: false },
  });

const played = async (keep: string): Promise<{ capture: string; trees: number }> => {
  const app = await App.start(config(keep), { version: 'test', log: () => undefined });
  try {
    await app.run();
    const get = (path: string) => fetch(`${app.address}/api/v1/${path}`);
    const { items } = (await (await get('incidents')).json()) as { items: { id: string }[] };
    const capture = await (await get(`incidents/${items[0]?.id}/capture`)).text();
    return { capture, trees: app.engine.context.stats().processes };
  } finally {
    await app.stop();
  }
};

it('gives an incident with its surroundings over HTTP, or its evidence where nothing is recorded', async () => {
  const whole = await played('1h');
  const evidence = await played('0s');
  expect(whole.capture.split('\n')[0]).toContain('in order');
  expect(evidence.capture).not.toContain('in order');
  expect(evidence.capture.length).toBeGreaterThan(0);
  const lines = (text: string) => text.split('\n').length;
  expect(lines(whole.capture)).toBeGreaterThan(lines(evidence.capture));
  const path = join(folder, 'incident.jsonl');
  writeFileSync(path, whole.capture);
  const original = await replayFolder(join(captures, 'miner'));
  const again = await replayFolder([path]);
  const known = new Set(original.alerts.map(alert => alert.id));
  expect(again.incidents.map(incident => incident.id)).toContain(original.incidents[0]?.id);
  expect(again.alerts.filter(alert => known.has(alert.id)).length).toBeGreaterThan(0);
});

it('knows after a restart what it knew before, and says nothing twice', async () => {
  const log = join(folder, 'live.log');
  const lines = [...captureLines('miner/tetragon.jsonl.gz'), ...captureLines('miner/hubble.jsonl.gz')];
  writeFileSync(log, lines.map(line => `${line}\n`).join(''));
  const live = configSchema.parse({
    sources: [{ type: 'file', path: log }],
    store: { path: join(folder, 'live', 'spoor.db') },
    sinks: { told: { type: 'file', path: join(folder, 'told.jsonl') } },
    routes: [{ to: ['told'] }],
    api: { listen: '127.0.0.1:0' },
    rules: { watch: false },
    detection: { lateness: '50ms' },
  });
  const until = async (condition: () => boolean) => {
    for (const end = Date.now() + 20_000; !condition() && Date.now() < end; )
      await new Promise(resolve => setTimeout(resolve, 5));
    expect(condition()).toBe(true);
  };
  const processed = (app: App) => [...app.pipeline.events.values()].reduce((sum, n) => sum + n, 0);

  const first = await App.start(live, { version: 'test', log: () => undefined });
  void first.run();
  await until(() => processed(first) >= lines.length - 5 && first.pipeline.held === 0);
  const { processes, connections, events } = first.engine.context.stats();
  await first.stop();
  const told = readFileSync(join(folder, 'told.jsonl'), 'utf8');

  const notes: Record<string, unknown>[] = [];
  const second = await App.start(live, {
    version: 'test',
    log: (_level, _message, fields) => notes.push(fields ?? {}),
  });
  expect(second.engine.context.stats()).toMatchObject({ processes, connections, events });
  expect(notes).toContainEqual(expect.objectContaining({ events, found: 0 }));
  expect(processed(second)).toBe(0);
  await second.stop();
  // What still waited at the stop may be told now; nothing is told again.
  const after = readFileSync(join(folder, 'told.jsonl'), 'utf8');
  expect(after.startsWith(told)).toBe(true);
  const ids = after
    .trimEnd()
    .split('\n')
    .map(line => (JSON.parse(line) as { id: string }).id);
  expect(new Set(ids).size).toBe(ids.length);
});
