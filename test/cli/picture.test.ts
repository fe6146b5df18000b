/** The picture in a terminal: its text, its width, and a screen that is drawn over and over. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';
import { type DrawnPicture, pictureLines } from '../../src/render/picture-text.ts';
import { screenLines, topMax } from '../../src/render/screen.ts';
import { style } from '../../src/render/style.ts';
import { timelineLines } from '../../src/render/timeline.ts';
import { columnsOf, cutTo } from '../../src/render/width.ts';
import { HOSTILE } from '../support/hostile.ts';
import { CLI, spoor } from './cli.ts';

const CRAWLER = 'tenant-jobs/crawler-556db57cd7-tkvfd';
const plain = style(false);
/** Several programs are started, one after the other. */
const PROGRAMS_MS_MAX = 120_000;
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

const running = (text: string) => ({
  pid: 1,
  binary: `/bin/${text}`,
  arguments: text,
  uid: 0,
  known: 'live',
  exit_signal: text,
});
const row = (key: string, depth: number, text = key): DrawnPicture['groups'][number]['rows'][number] => ({
  key,
  kind: 'process',
  depth,
  count: 1,
  hidden: 0,
  process: running(text),
  members: [],
  age: 1,
  late: false,
  mark: { step: 1, level: 'high', rules: [text] },
});
const link = (from: string, to: string, more: Partial<DrawnPicture['links'][number]> = {}) => ({
  from,
  to,
  attribution: 'socket',
  dropped: false,
  inbound: false,
  ports: 'TCP 443',
  count: 1,
  flows: 1,
  mark: null,
  ...more,
});
const picture = (
  rows: DrawnPicture['groups'][number]['rows'],
  links: DrawnPicture['links'] = [],
  title = 'shop/web-1',
): DrawnPicture => ({
  groups: [{ key: 'shop/web-1', kind: 'pod', title, workload: title, rows }],
  ends: [{ key: 'end', title, addresses: [title, title] }],
  links,
  totals: { processes: rows.length, shown: rows.length, connections: links.length, flows: links.length },
  gaps: [{ from: '2026-01-01T00:00:00Z', count: 3, reason: title }],
});

/** Runs a command line on a terminal of its own, and presses keys once it shows `pattern`. */
async function onTerminal(
  command: string,
  pattern: RegExp,
  keys: string,
): Promise<{ output: string; code: number | null }> {
  const child = spawn('script', ['-qfec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let isPressed = false;
  child.stdout.setEncoding('utf8').on('data', chunk => {
    output += chunk;
    if (isPressed || !pattern.test(output)) return;
    isPressed = true;
    child.stdin.write(keys);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { output, code };
}

describe('the picture as text', () => {
  it('draws the tree with what each process talks to below it', () => {
    const rows = [row('a', 0), row('b', 1), row('c', 2), row('d', 1)].map(each => ({ ...each, mark: null }));
    const links = [
      link('b', 'end'),
      link('c', 'end', { dropped: true }),
      link('group shop/web-1', 'a', { inbound: true }),
    ];
    expect(pictureLines(picture(rows, links), plain)).toEqual([
      'pod shop/web-1  shop/web-1',
      'a a (1, root, +1.0s, a)',
      '├─ b b (1, root, +1.0s, b)',
      '│  │  → shop/web-1 TCP 443 [socket]',
      '│  └─ c c (1, root, +1.0s, c)',
      '│        →✗ shop/web-1 TCP 443 dropped [socket]',
      '└─ d d (1, root, +1.0s, d)',
      '← a in shop/web-1 TCP 443 [socket]',
      '4 processes, 3 connections, 3 flows',
      '2026-01-01 00:00:00  3 events lost: shop/web-1',
    ]);
  });

  it.each(HOSTILE)('shows $name as text, one line each, whatever the width', ({ text }) => {
    const lines = pictureLines(picture([row('a', 0, text)], [link('a', 'end')], text), plain);
    expect(lines).toHaveLength(5);
    const told = timelineLines(
      [
        { type: 'event', time: '2026-01-01T00:00:00.000Z', kind: 'process_exec', summary: text },
        { type: 'action', time: '2026-01-01T00:00:00.000Z', actor: text, action: text, reason: text },
        { type: 'gap', time: '2026-01-01T00:00:00.000Z', source: text, count: 0, reason: text },
      ],
      plain,
    );
    for (const line of [...lines, ...told]) {
      expect(line).not.toMatch(UNSEEN);
      for (const columns of [1, 2, 7, 20, 80]) expect(columnsOf(cutTo(line, columns))).toBeLessThanOrEqual(columns);
    }
  });
});

describe('text of a width', () => {
  it('counts what takes two columns and what takes none', () => {
    expect(columnsOf('abc')).toBe(3);
    expect(columnsOf('日本語')).toBe(6);
    expect(columnsOf('e\u0301')).toBe(1);
    expect(columnsOf('🦊│→✗')).toBe(5);
    expect(columnsOf(`\x1b[31mred\x1b[39m`)).toBe(3);
  });

  it('is cut between characters, colours ended', () => {
    expect(cutTo('abcdef', 6)).toBe('abcdef');
    expect(cutTo('abcdef', 4)).toBe('abc…');
    expect(cutTo('日本語', 6)).toBe('日本語');
    expect(cutTo('日本語', 5)).toBe('日本…');
    expect(cutTo('日本語', 4)).toBe('日…');
    expect(cutTo('\x1b[31mabcdef\x1b[39m', 3)).toBe('\x1b[31mab…\x1b[0m');
    expect(cutTo('\x1b[31mabc\x1b[39m', 3)).toBe('\x1b[31mabc\x1b[39m');
    expect(cutTo('abc', 0)).toBe('');
  });
});

describe('a screen', () => {
  const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  it('shows as much as there is room for, from where it was scrolled to', () => {
    const size = { columns: 10, rows: 6 };
    expect(topMax(lines.length, size)).toBe(16);
    expect(screenLines({ head: 'head', lines, foot: 'foot', top: 16 }, size)).toEqual([
      'head',
      'line 16',
      'line 17',
      'line 18',
      'line 19',
      'foot',
    ]);
    expect(screenLines({ head: 'a long head', lines: [], foot: '', top: 0 }, size)).toEqual([
      'a long he…',
      '',
      '',
      '',
      '',
      '',
    ]);
  });

  it('has never more lines than the terminal', () => {
    for (const rows of [1, 2, 3])
      expect(screenLines({ head: 'h', lines, foot: 'f', top: 0 }, { columns: 5, rows })).toHaveLength(rows);
  });
});

describe('of a running Spoor and its database', () => {
  let app: App;
  let folder: string;
  let database: string;
  beforeAll(async () => {
    const path = ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(file =>
      fileURLToPath(new URL(`../../captures/lateral-movement/${file}`, import.meta.url)),
    );
    folder = mkdtempSync(join(tmpdir(), 'spoor-picture-'));
    database = join(folder, 'spoor.db');
    const config = configSchema.parse({
      sources: [{ type: 'capture', name: 'recorded break-in', path, speed: 'max' }],
      store: { path: database },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    });
    app = await startApp(config);
    await app.run();
  });
  afterAll(async () => {
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'the incident is drawn with steps, what fired and its timeline, also offline',
    async () => {
      const [listed] = (await spoor(['incidents', '--url', app.address, '-o', 'json'])).stdout.split('\n');
      const { id } = JSON.parse(listed ?? '') as { id: string };
      for (const place of [
        ['--url', app.address],
        ['--db', database],
      ]) {
        const { stdout, code } = await spoor(['incident', id.slice(0, 12), ...place]);
        expect(code).toBe(0);
        expect(stdout).toMatch(/^Incident [0-9a-f]{12} {2}CRITICAL {2}open/);
        expect(stdout).toMatch(/─ 2 ▸ nc\.traditional 198\.51\.100\.66 4444 .* ◀ Netcat hands a shell/);
        expect(stdout).toMatch(/│ {2}3 ▸ → 198\.51\.100\.66 TCP 4444 \[socket\] {2}◀ Reverse shell/);
        expect(stdout).toMatch(/^What fired$/m);
        expect(stdout).toMatch(/^06:25:06\.\d{3} {2}CRITICAL +Reverse shell by a network tool: /m);
        const steps = [...stdout.matchAll(/(\d+) ▸ /g)].map(([, step]) => Number(step));
        expect(steps).toEqual(steps.map((_, n) => n + 1));
        const json = JSON.parse((await spoor(['incident', id, ...place, '-o', 'json'])).stdout);
        expect(json).toMatchObject({ id, level: 'critical', picture: { links: expect.anything() } });
        expect(json.timeline.length).toBeGreaterThan(10);
      }
    },
    PROGRAMS_MS_MAX,
  );

  it(
    '--watch says what it cannot do',
    async () => {
      for (const [args, words] of [
        [['--pod', CRAWLER], 'draws on a terminal'],
        [['--pod', CRAWLER, '-o', 'json'], 'without -o'],
        [['--exec-id', 'x'], '--pod NAMESPACE/NAME'],
        [['--pod', 'crawler'], '--pod NAMESPACE/NAME'],
        [['x.jsonl', '--pod', CRAWLER], 'leave out the files'],
        [['--pod', CRAWLER, '--every', '0'], 'expected seconds'],
      ] as const) {
        const { code, stderr, stdout } = await spoor(['tree', ...args, '--watch', '--url', app.address]);
        expect([code, stdout], args.join(' ')).toEqual([2, '']);
        expect(stderr).toContain(words);
      }
    },
    PROGRAMS_MS_MAX,
  );

  const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
  it.skipIf(!hasTerminal)('--watch draws within the terminal, and gives it back', async () => {
    const command = [process.execPath, ...CLI, 'tree', '--watch', '--pod', CRAWLER, '--url', app.address].join(' ');
    const { output, code } = await onTerminal(`stty rows 9 cols 50; ${command}`, /q quit[^\n]* of \d+/, 'Gq');
    expect(code).toBe(0);
    expect(output).toContain('\x1b[?1049h');
    expect(output.trimEnd().endsWith('\x1b[?1049l')).toBe(true);
    const frames = output.split('\x1b[H').slice(1);
    const last = (frames.at(-1) ?? '')
      .replace(/\x1b\[\?\d+[hl]/g, '')
      .trimEnd()
      .split(/\r+\n/);
    expect(last).toHaveLength(9);
    for (const line of last) expect(columnsOf(line.replace('\x1b[K', ''))).toBeLessThanOrEqual(50);
    expect(last[0]).toContain(CRAWLER.slice(0, 30));
    expect(last.join('\n')).toMatch(/\d+ processes/);
  });
});
