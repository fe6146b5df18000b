/** What was answered 200 survives a kill of the real program, and is found once. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureLines } from '../sources/json/lines-of.ts';
import { replayFolder } from '../support/replay.ts';
import { spoor, start, temporaryFolder } from './cli.ts';

const STORY = 'miner';
const API = /http:\/\/127\.0\.0\.1:\d+/;

describe('events that were accepted by HTTP', () => {
  it('are detected by the next run when the program is killed before it looked at them', async () => {
    const folder = temporaryFolder();
    const database = join(folder, 'spoor.db');
    const file = join(folder, 'spoor.yaml');
    const configure = (lateness: string): void =>
      writeFileSync(
        file,
        `store: {path: '${database}'}\napi: {listen: '127.0.0.1:0'}\nsources: [{type: ingest}]\ndetection: {lateness: ${lateness}}\n`,
      );
    // Nothing is looked at before the kill.
    configure('10m');
    const first = start(['run', '--config', file]);
    const [address] = await first.shows(API);
    const lines = ['tetragon', 'hubble'].flatMap(sensor => captureLines(`${STORY}/${sensor}.jsonl.gz`));
    const timeOf = (line: string): string => (JSON.parse(line) as { time: string }).time;
    lines.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
    const answer = await fetch(`${address}/api/v1/ingest`, {
      method: 'POST',
      body: lines.join('\n'),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(await answer.json()).toMatchObject({ accepted: lines.length, malformed: 0 });
    await first.end('SIGKILL');
    const stored = async (): Promise<string[]> => {
      const { stdout } = await spoor(['alerts', '--db', database, '-o', 'json']);
      return stdout
        .split('\n')
        .filter(line => line !== '')
        .map(line => (JSON.parse(line) as { id: string }).id)
        .sort();
    };
    expect(await stored()).toEqual([]);

    configure('1s');
    const expected = (await replayFolder(join(import.meta.dirname, '../../captures', STORY))).alerts.map(
      ({ id }) => id,
    );
    expect(expected.length).toBeGreaterThan(0);
    const second = start(['run', '--config', file]);
    await second.shows(API);
    const kept = (): number => readdirSync(`${database}-ingest`).length;
    await expect.poll(kept, { timeout: 30_000 }).toBe(0);
    await second.end('SIGKILL');
    expect(await stored()).toEqual(expected.sort());

    const third = start(['run', '--config', file]);
    await third.shows(API);
    expect(await third.end()).toBe(0);
    expect(await stored()).toEqual(expected.sort());
  });
});
