/** The queries from outside: against a database file, and against an API that runs here. */

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineStatus, SinkRecord } from '../../src/api/deps.ts';
import { openStore } from '../../src/store/sqlite/open.ts';
import { commitAlert, type Harness, makeAlert, makeIncident, STATUS, startApi } from '../api/support.ts';
import { spoor, temporaryFolder } from './cli.ts';

const INCIDENT = 'feed0123456789abcdef';
const ALERT = 'c0ffee0123456789abcdef';

describe('a database to read', () => {
  it('that is none is named with what it is, without a trace', async () => {
    const folder = temporaryFolder();
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    for (const [path, reason, status] of [
      [file('text', 'this is no database\n'.repeat(100)), 'is not a database', 1],
      [file('empty', ''), 'is not a database of Spoor', 1],
      [folder, 'is not a file', 1],
      // As any file of a command line that is not there.
      [join(folder, 'nothing.db'), 'no such database', 2],
    ] as const) {
      const { code, stderr, stdout } = await spoor(['alerts', '--db', path]);
      expect(stderr).toMatch(/^spoor: [^\n]+\n$/);
      expect(stderr).toContain(path);
      expect(stderr).toContain(reason);
      expect([code, stdout]).toEqual([status, '']);
    }
  });

  it('answers as the API does: by pod, by the beginning of an id, with times', async () => {
    const path = join(temporaryFolder(), 'spoor.db');
    const store = await openStore({ path });
    await commitAlert(
      store,
      { ...makeAlert(1, { incident: INCIDENT }), id: ALERT },
      { ...makeIncident(1), id: INCIDENT },
      'soc',
    );
    await commitAlert(store, makeAlert(2, { incident: 'feed01ffffff' }), { ...makeIncident(2), id: 'feed01ffffff' });
    await store.close();
    const query = (...args: string[]) => spoor([...args, '--db', path]);
    expect((await query('incident', 'feed0123')).stdout).toContain(`Incident ${INCIDENT.slice(0, 12)}  HIGH`);
    const several = await query('incident', 'feed01');
    expect([several.code, several.stderr]).toEqual([1, expect.stringContaining(`${INCIDENT}, feed01ffffff`)]);
    expect((await query('alerts', '--incident', 'feed0123', '-o', 'json')).stdout).toMatch(/^\{.*\}\n$/);
    expect((await query('alerts', '--pod', 'shop/web-1')).stdout).toContain(ALERT.slice(0, 12));
    expect((await query('alerts', '--pod', 'bank/web-1')).stdout).toBe('');
    const deliveries = await query('deliveries', '-o', 'json');
    expect(JSON.parse(deliveries.stdout)).toMatchObject({ sink: 'soc', created_at: expect.stringMatching(/T.*Z$/) });
  });
});

describe('a place for the database', () => {
  it('that cannot be is named with the reason, at once', async () => {
    const folder = temporaryFolder();
    const config = join(folder, 'spoor.yaml');
    writeFileSync(join(folder, 'file'), '');
    const places = [join(folder, 'file/x/spoor.db'), folder];
    if (process.platform === 'linux') places.push('/proc/foo/spoor.db');
    for (const path of places) {
      writeFileSync(config, `store: {path: '${path}'}\nsources: [{type: ingest}]\napi: {listen: '127.0.0.1:0'}\n`);
      const { code, stderr } = await spoor(['run', '--config', config]);
      expect(stderr).toContain(`spoor: the database ${path} cannot be used: `);
      expect(code).toBe(1);
    }
  });
});

describe('a running Spoor', () => {
  let api: Harness;
  let status: EngineStatus = STATUS;
  const sinks: SinkRecord[] = (['soc', 'pager', 'down', 'new'] as const).map(name => ({
    name,
    type: 'webhook',
    state: ({ soc: 'ok', pager: 'ok', down: 'failing', new: 'idle' } as const)[name],
    detail: { soc: 'HTTP 200', pager: 'HTTP 200', down: 'ECONNREFUSED', new: '' }[name],
    lastSuccessMs: null,
    lastFailureMs: null,
  }));

  beforeAll(async () => {
    api = await startApi({ deps: { status: () => status, sinks: { list: () => sinks, test: async () => null } } });
    const incident = { ...makeIncident(1), id: INCIDENT, last_seen: '2026-01-02T00:00:01.000000000Z' };
    await commitAlert(api.store, { ...makeAlert(1, { incident: INCIDENT }), id: ALERT }, incident, 'soc');
    const leased = await api.store.outbox.lease('soc', 1, 60_000);
    await api.store.outbox.dead(
      leased.map(({ id }) => id),
      'HTTP 403: token revoked',
    );
    await commitAlert(api.store, makeAlert(2, { incident: INCIDENT, namespace: 'bank' }), incident, 'soc');
  });
  afterAll(() => api.close());

  const query = (...args: string[]) => spoor([...args, '--url', api.url]);

  it('lists with date, time and short ids, of a pod where asked', async () => {
    const alerts = (await query('alerts')).stdout;
    expect(alerts).toMatch(/^2026-01-01 00:00:02 HIGH {5}Reverse shell by netcat {2}a00000000000$/m);
    const mine = (await query('alerts', '--pod', 'shop/web-1')).stdout;
    expect(mine).toContain(`2026-01-01 00:00:01 HIGH     Reverse shell by netcat  ${ALERT.slice(0, 12)}\n`);
    expect(mine).not.toContain('bank');
    const incidents = (await query('incidents', '--pod', 'shop/web-1')).stdout;
    expect(incidents).toMatch(/Incident feed01234567 .* 1 alert {2}2026-01-01 00:00:00 – 2026-01-02 00:00:01$/m);
    expect((await query('incidents', '--pod', 'other/web-1')).stdout).toBe('');
    expect((await query('incident', 'feed012')).stdout).toContain('Incident feed01234567');
  });

  it('lists deliveries to a limit, counts in words, and tells why one cannot be sent again', async () => {
    const lines = (await query('deliveries')).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}1 {2}dead {6}soc {2}alert c0ffee012345 {2}1 attempt {2}HTTP 403: token revoked$/,
    );
    expect(lines[0]).toContain('0 attempts');
    expect((await query('deliveries', '--limit', '1')).stdout.trimEnd()).toBe(lines[0]);
    expect((await query('deliveries', '--sink', 'pager')).stdout).toBe('');
    for (const [id, code, words] of [
      ['2', 1, 'this delivery is pending'],
      ['99', 1, 'this delivery does not exist'],
      ['abc', 2, '--replay: expected the number of a delivery'],
    ] as const) {
      const answer = await query('deliveries', '--replay', id);
      expect([answer.code, answer.stderr], id).toEqual([code, expect.stringContaining(words)]);
    }
  });

  it('is told apart from what only begins, what waits for files, and what lost deliveries', async () => {
    const source = { ...(STATUS.sources[0] as EngineStatus['sources'][number]), detail: '' };
    status = {
      ...STATUS,
      sources: [
        { ...source, name: 'beginning', state: 'starting', counters: { events: 1 } },
        { ...source, name: 'files', type: 'file', state: 'waiting', detail: 'no file matches' },
        { ...source, name: 'relay', state: 'waiting', detail: 'connection refused' },
      ],
    };
    const { stdout, code } = await query('status');
    status = STATUS;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\.\.\. {2}source beginning \(hubble\): starting, 1 event,/m);
    expect(stdout).toMatch(/^\.\.\. {2}source files \(file\): waiting, .*no file matches$/m);
    expect(stdout).toMatch(/^BAD {2}source relay \(hubble\): waiting, .*connection refused$/m);
    expect(stdout).toMatch(/^BAD {2}rules: 2 loaded, 1 error$/m);
    expect(stdout).toMatch(
      /^BAD {2}sink soc \(webhook\): ok, 0 delivered, 1 waiting, 1 dead letter {2}last error: HTTP 403: token revoked$/m,
    );
    expect(stdout).toMatch(/^OK {3}sink pager \(webhook\): ok, 0 delivered, 0 waiting$/m);
    expect(stdout).toMatch(
      /^BAD {2}sink down \(webhook\): failing, 0 delivered, 0 waiting {2}last error: ECONNREFUSED$/m,
    );
    expect(stdout).toMatch(/^\.\.\. {2}sink new \(webhook\): idle, 0 delivered, 0 waiting$/m);
    expect(stdout).toContain('spoor deliveries --state dead');
    expect(await (await fetch(`${api.url}/metrics`)).text()).toContain('spoor_sink_failing{sink="down"} 1');
  });

  it('queues one delivery again, or all dead letters of a sink, also to another', async () => {
    const wrong = await query('deliveries', '--to', 'pager');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--to goes with')]);
    const one = await query('deliveries', '--replay', '1', '--to', 'pager');
    expect([one.code, one.stderr]).toEqual([0, 'delivery 1 is queued again\n']);
    const nobody = await query('deliveries', '--replay-dead', 'soc', '--to', 'nobody');
    expect([nobody.code, nobody.stderr]).toEqual([1, 'spoor: this sink does not exist\n']);
    const all = await query('deliveries', '--replay-dead', 'soc');
    expect([all.code, all.stderr]).toEqual([0, '1 dead letter of soc is queued again\n']);
    expect((await query('deliveries', '--state', 'dead')).stdout).toBe('');
  });

  it('is named by a URL, and its token by a file, or the mistake is said', async () => {
    const folder = temporaryFolder();
    const words = join(folder, 'words');
    writeFileSync(words, 'two words, s3cret');
    for (const [args, reason] of [
      [['--url', 'spoor.example'], "--url: 'spoor.example' is not a URL such as http://127.0.0.1:8787"],
      [['--url', 'localhost:8787'], "--url: 'localhost:8787' is not a URL"],
      [['--url', 'http://me:s3cret@127.0.0.1'], '--url: must not hold a user name or password'],
      [
        ['--url', api.url, '--token-file', join(folder, 'none')],
        `--token-file: ${join(folder, 'none')} does not exist`,
      ],
      [['--url', api.url, '--token-file', folder], `--token-file: ${folder} cannot be read`],
      [['--url', api.url, '--token-file', words], `--token-file: ${words} holds no token`],
    ] as const) {
      const { code, stderr, stdout } = await spoor(['status', ...args]);
      expect(stderr).toMatch(/^spoor: [^\n]+\n$/);
      expect(stderr).toContain(reason);
      expect(stderr).not.toContain('s3cret');
      expect([code, stdout]).toEqual([2, '']);
    }
  });

  it('is not taken for another server', async () => {
    const other = createServer((_, response) => response.end('<html>hello</html>'));
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const { code, stderr } = await spoor([
      'status',
      '--url',
      `http://127.0.0.1:${(other.address() as AddressInfo).port}`,
    ]);
    other.close();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^spoor: [^\n]*is not Spoor: name another --url\n$/)]);
  });

  it('refuses states and levels that do not exist', async () => {
    for (const args of [
      ['alerts', '--level', 'loud'],
      ['incidents', '--state', 'lost'],
      ['deliveries', '--state', 'lost'],
    ]) {
      const { code, stderr } = await query(...args);
      expect([code, stderr], args.join(' ')).toEqual([2, expect.stringContaining('Allowed choices are')]);
    }
  });
});

it.each(['alerts', 'incidents', 'incident', 'deliveries', 'status'])(
  'spoor %s --help shows examples',
  async command => {
    const { code, stdout } = await spoor([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\n  spoor ${command}\\b`));
  },
);
