/** History of a running program: what is damaged on the disk is told, and the rest is still found. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';

interface Page {
  readonly items: readonly { readonly id: string }[];
  readonly next: string | null;
}

describe('the recording of a running program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-history-'));
  const recording = join(folder, 'spoor.db-recorder');
  let app: App | undefined;
  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${app?.address}/api/v1${path}`)).json()) as T;
  const sealed = (): string[] => readdirSync(recording).filter(name => name.endsWith('.ndjson.gz'));

  beforeAll(async () => {
    app = await startApp(
      configSchema.parse({
        sources: [
          {
            type: 'capture',
            name: 'recorded',
            path: ['tetragon', 'hubble'].map(sensor =>
              join(import.meta.dirname, `../../captures/lateral-movement/${sensor}.jsonl.gz`),
            ),
            speed: 'max',
          },
        ],
        store: { path: join(folder, 'spoor.db') },
        // A segment is a quarter of it at the most, of text.
        recorder: { size: '8MiB' },
        api: { listen: '127.0.0.1:0' },
        log: { level: 'silent' },
      }),
    );
    await app.run();
  });
  afterAll(async () => {
    await app?.stop();
    rmSync(folder, { recursive: true });
  });

  it('tells of a damaged part as a gap and in the status, and finds the rest', async () => {
    await expect.poll(() => sealed().length).toBeGreaterThan(1);
    const all = (await get<Page>('/events?limit=500')).items;
    expect(all).toHaveLength(500);
    const [damaged = ''] = sealed();
    const bytes = readFileSync(join(recording, damaged));
    writeFileSync(join(recording, damaged), bytes.fill(0, 50, 200));

    const found: string[] = [];
    for (let next: string | null = ''; next !== null; ) {
      const page: Page = await get(`/events?limit=500${next === '' ? '' : `&cursor=${next}`}`);
      found.push(...page.items.map(({ id }) => id));
      next = page.next;
    }
    const [first = 0, count = 0] = damaged.split('-').map(Number);
    const lost = Array.from({ length: count }, (_, n) => String(first + n));
    expect(found.some(id => lost.includes(id))).toBe(false);
    const total = [...(app?.pipeline.events.values() ?? [])].reduce((sum, n) => sum + n, 0);
    expect(found).toHaveLength(total - count);

    const { evicted } = await get<{ evicted: Record<string, number> }>('/status');
    expect(evicted.recorder_files_damaged).toBe(1);
    await expect
      .poll(async () => (await get<{ items: unknown[] }>('/gaps')).items)
      .toContainEqual(
        expect.objectContaining({ source: 'recorder', count, reason: expect.stringContaining('damaged') }),
      );
    expect(readdirSync(recording)).toContain(`${damaged}.corrupt`);
  });
});
