import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFile, fileConfig } from '../../src/sinks/file.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import { HOSTILE } from '../support/hostile.ts';
import { aDelivery, anAlert, anIncident, hostileDelivery, STEERS } from './support.ts';

let folder: string;
let path: string;
const open: Sink[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-'));
  path = join(folder, 'deep', 'alerts.ndjson');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(sink => sink.close()));
  rmSync(folder, { recursive: true });
});

function file(over: object = {}): Sink {
  const sink = createFile('file', fileConfig.parse({ type: 'file', path, ...over }));
  open.push(sink);
  return sink;
}
const one = (id: string) => aDelivery({ id, alerts: [anAlert({ id })] });
const signal = AbortSignal.timeout(60_000);
const idsIn = (name: string): string[] =>
  readFileSync(name, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line).id);

describe('the file sink', () => {
  it('writes one line an alert, readable by its owner alone', async () => {
    const sink = file();
    const delivery = aDelivery({ alerts: [anAlert({ id: 'a' }), anAlert({ id: 'b' })] });
    expect(await sink.send(delivery, signal)).toEqual({ outcome: 'delivered', detail: 'written' });
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.map(line => line && JSON.parse(line))).toEqual([...delivery.alerts, '']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('writes what became of an incident', async () => {
    await file().send(aDelivery({ signal: 'incident.resolved', alerts: [] }), signal);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ signal: 'incident.resolved', incident: anIncident() });
  });

  it('appends to what is there, ending a line that a crash cut short', async () => {
    const first = file();
    await first.send(one('a'), signal);
    await first.close();
    writeFileSync(path, '{"id":"cut', { flag: 'a' });
    await file().send(one('b'), signal);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2]!).id).toBe('b');
  });

  it('rotates by size and keeps so many', async () => {
    const bytes = Buffer.byteLength(`${JSON.stringify(anAlert({ id: '0' }))}\n`);
    const sink = file({ max_size: `${2 * bytes}B`, keep: 2 });
    for (let i = 0; i < 9; i += 1) await sink.send(one(String(i)), signal);
    expect(readdirSync(join(folder, 'deep')).sort()).toEqual(['alerts.ndjson', 'alerts.ndjson.1', 'alerts.ndjson.2']);
    expect([`${path}.2`, `${path}.1`, path].flatMap(idsIn)).toEqual(['4', '5', '6', '7', '8']);
  });

  it('keeps none when told so, and writes what is longer than the limit', async () => {
    const sink = file({ max_size: '1B', keep: 0 });
    await sink.send(one('a'), signal);
    await sink.send(one('b'), signal);
    expect([idsIn(path), existsSync(`${path}.1`)]).toEqual([['b'], false]);
  });

  it('begins a new file when another program has moved or removed it', async () => {
    const sink = file();
    await sink.send(one('a'), signal);
    renameSync(path, `${path}.moved`);
    await sink.send(one('b'), signal);
    rmSync(path);
    await sink.send(one('c'), signal);
    expect([idsIn(`${path}.moved`), idsIn(path)]).toEqual([['a'], ['c']]);
  });

  it('keeps concurrent deliveries in whole lines and in order', async () => {
    const sink = file();
    const ids = Array.from({ length: 50 }, (_, i) => String(i));
    await Promise.all(ids.map(id => sink.send(one(id), signal)));
    expect(idsIn(path)).toEqual(ids);
  });

  it('retries where it cannot write, and recovers', async () => {
    writeFileSync(join(folder, 'deep'), 'in the way');
    const sink = file();
    expect(await sink.send(one('a'), signal)).toMatchObject({
      outcome: 'retry',
      detail: `cannot write ${path}: ${join(folder, 'deep')} is a file: a folder is needed there`,
    });
    rmSync(join(folder, 'deep'));
    expect(await sink.send(one('a'), signal)).toMatchObject({ outcome: 'delivered' });
    expect(idsIn(path)).toEqual(['a']);
  });

  it.skipIf(!existsSync('/dev/full'))('retries on a full disk', async () => {
    const sink = file({ path: '/dev/full' });
    expect(await sink.send(one('a'), signal)).toMatchObject({
      outcome: 'retry',
      detail: expect.stringContaining('ENOSPC'),
    });
  });

  it.each(HOSTILE)('keeps hostile text in its line, as it was: $name', async ({ text }) => {
    await file({ fsync: 'never' }).send(hostileDelivery(text), signal);
    const written = readFileSync(path, 'utf8');
    expect(written.indexOf('\n')).toBe(written.length - 1);
    expect(STEERS.test(written)).toBe(false);
    expect(JSON.parse(written).message).toBe(text);
  });
});
