/** A loss that is reported after an alert, from the report to the API: also after a restart, and as it grows. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import type { Alert, Gap } from '../../src/alerts/alert.ts';
import { App } from '../../src/app/app.ts';
import { configSchema } from '../../src/config/schema.ts';
import { captureLines } from '../sources/json/lines-of.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-losses-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = configSchema.parse({
  sources: [{ type: 'ingest' }],
  store: { path: join(folder, 'spoor.db') },
  api: { listen: '127.0.0.1:0' },
  rules: { watch: false },
  detection: { lateness: '20ms' },
});

class Running {
  readonly app: App;
  private constructor(app: App) {
    this.app = app;
  }

  static async start(path = config.store.path): Promise<Running> {
    const app = await App.start(
      { ...config, store: { ...config.store, path } },
      { version: 'test', log: () => undefined },
    );
    void app.run();
    return new Running(app);
  }

  url(path: string): string {
    return `${this.app.address}/api/v1/${path}`;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(this.url(path), { headers: { connection: 'close' } })).json()) as T;
  }

  async send(lines: readonly string[]): Promise<void> {
    const offer = () =>
      fetch(this.url('ingest'), {
        method: 'POST',
        body: lines.join('\n'),
        headers: { 'content-type': 'application/x-ndjson', connection: 'close' },
      });
    let answer = await offer();
    // Nobody reads before the log was lived through.
    while (answer.status === 429) answer = await offer();
    expect(await answer.json()).toMatchObject({ accepted: lines.length });
  }

  /** The first change of this type on the event stream, from its beginning on, that `matches`. */
  async event(type: string, matches: (alert: Alert) => boolean): Promise<Alert> {
    const request = get(this.url('stream?since=0'));
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    try {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) {
        text += chunk;
        const events = text.split('\n\n');
        text = events.pop() as string;
        for (const event of events) {
          const data = /^data: (.*)$/m.exec(event)?.[1];
          if (!event.startsWith(`event: ${type}\n`) || data === undefined) continue;
          const { alert } = JSON.parse(data) as { alert: Alert };
          if (matches(alert)) return alert;
        }
      }
    } finally {
      request.destroy();
    }
    throw new Error('the stream has ended');
  }
}

it('amends the alert in the store and on the stream, and keeps one gap that grows', async () => {
  const lines = captureLines('miner/tetragon.jsonl.gz');
  const first = await Running.start();
  await first.send(lines);
  const { id, node, time } = await first.event('alert', () => true);
  const lost = (seconds: number, count: number): string => {
    const at = new Date(Date.parse(time) + seconds * 1_000).toISOString();
    const period = { first: time, last: at };
    return JSON.stringify({
      lost_events: { source: 'HUBBLE_RING_BUFFER', num_events_lost: `${count}`, ...period },
      node_name: node,
      time: at,
    });
  };
  expect(await first.get(`alerts/${id}`)).toMatchObject({ incomplete: false, gaps: [] });

  await first.send([lost(1, 100)]);
  const amended = await first.event('alert.amended', alert => alert.id === id);
  expect(amended).toMatchObject({ incomplete: true, gaps: [{ source: 'hubble', node, count: 100 }] });
  expect(await first.get(`alerts/${id}`)).toMatchObject({ incomplete: true, gaps: amended.gaps });
  await first.app.stop();

  const second = await Running.start();
  onTestFinished(() => second.app.stop());
  await second.send([lost(2, 5)]);
  const again = await second.event('alert.amended', alert => alert.id === id && alert.gaps[0]?.count === 105);
  expect(again.gaps).toHaveLength(1);
  expect((await second.get<{ items: Gap[] }>('gaps')).items).toEqual(again.gaps);
});

it('lets a stored gap grow also when the log no longer holds how it began', async () => {
  const path = join(folder, 'grown.db');
  const lost = (second: number, count: number): string => {
    const at = `2026-01-01T00:00:0${second}Z`;
    const period = { first: at, last: at };
    return JSON.stringify({
      lost_events: { source: 'HUBBLE_RING_BUFFER', num_events_lost: `${count}`, ...period },
      node_name: 'worker-1',
      time: at,
    });
  };
  const gaps = async (running: Running) => (await running.get<{ items: Gap[] }>('gaps')).items;
  const first = await Running.start(path);
  await first.send([lost(1, 100)]);
  await expect.poll(() => gaps(first)).toMatchObject([{ count: 100 }]);
  await first.app.stop();
  rmSync(`${path}-recorder`, { recursive: true });

  const second = await Running.start(path);
  onTestFinished(() => second.app.stop());
  await second.send([lost(5, 7)]);
  await expect
    .poll(() => gaps(second))
    .toMatchObject([
      { count: 107, from: expect.stringContaining('00:00:01.'), to: expect.stringContaining('00:00:05.') },
    ]);
});
