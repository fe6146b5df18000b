/** The offline commands from outside: what a person and a script see. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { captureLines } from '../sources/json/lines-of.ts';
import { spoor, temporaryFolder } from './cli.ts';

const STORY = ['captures/lateral-movement/tetragon.jsonl.gz', 'captures/lateral-movement/hubble.jsonl.gz'];
const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');

describe('spoor', () => {
  it('shows help with examples, and says what is wrong with a wrong word', async () => {
    const help = await spoor(['--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('Examples:');
    const wrong = await spoor(['repaly', 'x']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('Did you mean replay?');
  });

  it('replay: alerts as JSON on stdout and nothing else there, a summary on stderr', async () => {
    const { code, stdout, stderr } = await spoor(['replay', ...STORY, '-o', 'json']);
    expect(code).toBe(0);
    const alerts = lines(stdout).map(line => JSON.parse(line) as Alert);
    const shell = alerts.find(alert => alert.rule.title === 'Reverse shell by a network tool');
    expect(shell).toMatchObject({
      rule: { level: 'critical' },
      confidence: 'high',
      pod: { namespace: 'tenant-jobs', workload: 'crawler' },
      process: { binary: '/usr/bin/nc.traditional', pid: 5736 },
      steps: { exec: { event: 0 }, egress: { event: 1 } },
    });
    expect(shell?.flows[0]).toMatchObject({
      attribution: 'socket',
      destination: { ip: '198.51.100.66', port: 4444, kind: 'world' },
    });
    expect(new Set(alerts.filter(alert => alert.incident_id !== '').map(alert => alert.incident_id)).size).toBe(1);
    expect(stderr).toMatch(/1,040 events .* events\/s/);
    expect(stderr).toMatch(/\d+ alerts in 1 incident\n/);
  });

  it('replay: the order of the files, and repeating it, change nothing', async () => {
    const first = await spoor(['replay', ...STORY, '-o', 'json', '--quiet']);
    const second = await spoor(['replay', ...[...STORY].reverse(), '-o', 'json', '--quiet']);
    const ids = (text: string): string[] => lines(text).map(line => (JSON.parse(line) as Alert).id);
    expect(ids(second.stdout).sort()).toEqual(ids(first.stdout).sort());
    expect(first.stderr).toBe('');
  });

  it('replay: --fail-on exits 3, --no-default-rules finds nothing, stdin and plain files work', async () => {
    expect((await spoor(['replay', ...STORY, '--fail-on', 'critical'])).code).toBe(3);
    expect((await spoor(['replay', 'captures/benign/tetragon.jsonl.gz', '--fail-on', 'medium'])).code).toBe(0);
    const silent = await spoor(['replay', ...STORY, '--no-default-rules', '-o', 'json']);
    expect([silent.code, silent.stdout]).toEqual([0, '']);
    const text = gunzipSync(readFileSync(STORY[0] as string)).toString();
    const piped = await spoor(['replay', '-', '-o', 'json'], { stdin: text });
    expect(piped.stdout).toContain('Netcat hands a shell to the network');
  });

  it('replay: garbage is counted and named, and the rest is used', async () => {
    const file = join(temporaryFolder(), 'broken.jsonl');
    const text = gunzipSync(readFileSync(STORY[0] as string)).toString();
    writeFileSync(file, `{"process_exec":{"process":\n\u0000\u0001\u001b[31m\n[1,2]\n${text}{"flow":`);
    const { code, stdout, stderr } = await spoor(['replay', file, '-o', 'json']);
    expect(code).toBe(0);
    expect(stdout).toContain('Netcat hands a shell to the network');
    expect(stderr).toMatch(/\d malformed lines? passed over/);
    expect(stderr).toContain(`${file}:1`);
    expect(stderr).not.toContain('\u001b');
  });

  it('replay: a missing file is named before anything starts', async () => {
    const { code, stderr } = await spoor(['replay', 'nowhere.jsonl']);
    expect([code, stderr]).toEqual([2, 'spoor: nowhere.jsonl: no such file\n']);
  });

  it('says what is wrong with what was asked for, before it does anything', async () => {
    const folder = temporaryFolder();
    const garbage = join(folder, 'garbage.log');
    writeFileSync(garbage, 'no event\n'.repeat(9));
    const array = join(folder, 'array.json');
    writeFileSync(array, `[${captureLines('exfil/hubble.jsonl.gz').slice(0, 9).join(',')}]\n`);
    const cut = join(folder, 'cut.jsonl.gz');
    const whole = readFileSync('captures/exfil/hubble.jsonl.gz');
    writeFileSync(cut, whole.subarray(0, whole.length / 2));
    const live = join(folder, 'spoor.yaml');
    writeFileSync(live, `sources: [{type: file, path: '${garbage}'}]`);
    const cases: readonly (readonly [string[], number, RegExp])[] = [
      [
        ['replay', garbage],
        1,
        /9 malformed lines passed over; the last 5:[\s\S]*no event was found: expected JSON lines/,
      ],
      [
        ['replay', array],
        1,
        /1 malformed line passed over:[\s\S]*one event a line; of an array, jq -c '\.\[\]' makes them so/,
      ],
      [
        ['replay', 'captures/exfil'],
        2,
        /captures\/exfil: is a folder; name the files in it, such as captures\/exfil\/\*\.gz/,
      ],
      [['observe', garbage, '--kind', 'exec'], 2, /Allowed choices are process_exec, /],
      [
        ['observe', 'captures/exfil/hubble.jsonl.gz', '--pod', 'nowhere'],
        0,
        /none of [\d,]+ events fits these filters/,
      ],
      [['record', '--out', garbage], 2, /garbage\.log exists; name another file, or write over it with --force/],
      [['demo', '--listen', 'foo'], 2, /expected host:port/],
      [['replay', 'captures/exfil/hubble.jsonl.gz', '--rules', join(folder, 'none')], 2, /none: no such file/],
      [
        ['replay', 'captures/exfil/hubble.jsonl.gz', 'captures/exfil/../exfil/hubble.jsonl.gz'],
        2,
        /are one file: name it once/,
      ],
      [['replay', 'captures/exfil/hubble.jsonl.gz', '--db', garbage], 1, /garbage\.log is not a database/],
      [
        ['replay', 'captures/exfil/hubble.jsonl.gz', '--since', '2030-01-01T00:00:00Z'],
        1,
        /no event was found between --since and --until/,
      ],
      [['replay', cut], 0, /gzip[\s\S]*what followed in a damaged file is lost/],
      [['record', '--out', join(folder, 'none/x.jsonl'), '--config', live], 1, /ENOENT.*none\/x\.jsonl/],
    ];
    const ended = await Promise.all(cases.map(([args]) => spoor(args)));
    for (const [i, { code, stderr }] of ended.entries()) {
      expect(stderr).toMatch(cases[i]![2]);
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(code, stderr).toBe(cases[i]![1]);
    }
  });

  it('observe: one line an event, with filters', async () => {
    const text = await spoor(['observe', ...STORY, '--to', '198.51.100.66']);
    expect(text.stdout).toMatch(/tenant-jobs\/crawler-\S+ nc\.traditional\(5736\) tcp_connect → 198\.51\.100\.66:4444/);
    expect(text.stdout).toMatch(/nc\.traditional\(5736\) → 198\.51\.100\.66:4444 TCP SYN FORWARDED \[socket\]/);
    const json = await spoor(['observe', ...STORY, '--kind', 'flow', '--pod', 'tenant-jobs/crawler', '-o', 'json']);
    const records = lines(json.stdout).map(line => JSON.parse(line) as { kind: string; attribution: string });
    expect(records.length).toBeGreaterThan(20);
    expect(records.every(record => record.kind === 'flow')).toBe(true);
  });

  it('tree: text, json, dot and svg of the same pod', async () => {
    const pod = ['--pod', 'tenant-jobs/crawler'];
    const text = await spoor(['tree', ...STORY, ...pod]);
    expect(text.stdout).toMatch(
      /node \/app\/crawler\.js[\s\S]*└─ sh -c[\s\S]*└─ nc\.traditional[\s\S]*→ 198\.51\.100\.66:4444[\s\S]*└─ bash[\s\S]*├─ id/,
    );
    const json = JSON.parse((await spoor(['tree', ...STORY, ...pod, '-o', 'json'])).stdout) as { roots: unknown[] };
    expect(json.roots.length).toBeGreaterThan(1);
    expect((await spoor(['tree', ...STORY, ...pod, '-o', 'dot'])).stdout).toMatch(
      /^digraph[\s\S]*exfil-bucket\.s3\.amazonaws\.com:443[\s\S]*}\n$/,
    );
    const svg = (await spoor(['tree', ...STORY, ...pod, '-o', 'svg'])).stdout;
    expect(svg).toMatch(/^<svg[\s\S]*exfil-bucket\.s3\.amazonaws\.com[\s\S]*<\/svg>\n$/);
    const unknown = await spoor(['tree', ...STORY, '--pod', 'nobody/here']);
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringContaining("no pod is called 'nobody/here'; there are: tenant-jobs/"),
    ]);
    expect((await spoor(['tree', ...STORY])).code).toBe(2);
  });

  it('tree: the picture of the README is current', async () => {
    const svg = (await spoor(['tree', ...STORY, '--pod', 'tenant-jobs/crawler', '-o', 'svg'])).stdout;
    expect(readFileSync('docs/picture.svg', 'utf8')).toBe(svg);
  });

  it('rules: lint points at the place, test passes for what ships, list names needs', async () => {
    const file = join(temporaryFolder(), 'bad.yaml');
    writeFileSync(
      file,
      'title: Bad\ntaxonomy: spoor\nlevel: high\nlogsource: {category: process_creation}\ndetection:\n  a: {process.bnary: nc}\n  condition: a\n',
    );
    const lint = await spoor(['rules', 'lint', file]);
    expect(lint.code).toBe(1);
    expect(lint.stdout).toContain(`${file}:6:`);
    expect(lint.stdout).toContain('process.binary');
    const json = await spoor(['rules', 'lint', file, '-o', 'json', '--quiet']);
    expect(JSON.parse(lines(json.stdout)[0] as string)).toMatchObject({
      file,
      line: 6,
      severity: 'error',
      code: expect.any(String),
      hint: expect.any(String),
    });
    const junit = join(temporaryFolder(), 'results.xml');
    const tests = await spoor(['rules', 'test', 'rules', '--junit', junit]);
    expect(tests.stderr).toMatch(/\d+ passed, 0 failed/);
    expect(tests.code).toBe(0);
    expect(readFileSync(junit, 'utf8')).toContain('<testsuite');
    const list = await spoor(['rules', 'list']);
    expect(list.stdout).toMatch(/critical\s+Reverse shell by a network tool\s+T1059\.004/);
  });
});
