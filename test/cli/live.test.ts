/** The running program from outside: demo, run, and the queries against it. */
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Alert, Incident } from '../../src/alerts/alert.ts';
import { spoor, start, temporaryFolder } from './cli.ts';

const STORY = ['captures/lateral-movement/tetragon.jsonl.gz', 'captures/lateral-movement/hubble.jsonl.gz'] as const;
const text = (file: string): string => gunzipSync(readFileSync(file)).toString();
const API = /https?:\/\/127\.0\.0\.1:\d+/;

async function until<T>(what: string, look: () => Promise<T | null> | T | null): Promise<T> {
  for (let round = 0; round < 400; round++) {
    const found = await look();
    if (found !== null) return found;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

const items = async <T>(url: string): Promise<T[]> => ((await (await fetch(url)).json()) as { items: T[] }).items;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A receiver that answers `statuses` in turn, then 200. */
async function receiver(statuses: number[] = []): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      const status = statuses.shift() ?? 200;
      if (status === 200) received.push({ headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

function config(folder: string, yaml: string): string {
  const file = join(folder, 'spoor.yaml');
  writeFileSync(file, `store: {path: '${join(folder, 'data/spoor.db')}'}\napi: {listen: '127.0.0.1:0'}\n${yaml}`);
  return file;
}

describe('spoor demo', () => {
  it('prints alerts, the story and the tree, serves them, and answers queries', async () => {
    const demo = start(['demo', '--speed', 'max', '--listen', '127.0.0.1:0']);
    const [address] = await demo.shows(API);
    await demo.shows(/Serving on/);
    expect(demo.output()).toMatch(/CRITICAL Reverse shell by a network tool/);
    expect(demo.output()).toMatch(
      /Incident [0-9a-f]{12}\s+CRITICAL\s+open[\s\S]*198\.51\.100\.66:4444[\s\S]*exfil-bucket/,
    );
    expect(demo.output()).toMatch(/node \/app\/crawler\.js[\s\S]*◀ critical: Reverse shell by a network tool/);

    const [incident] = await items<Incident>(`${address}/api/v1/incidents`);
    expect(incident).toMatchObject({
      level: 'critical',
      state: 'open',
      pods: [expect.stringContaining('tenant-jobs/crawler')],
    });
    const listed = await spoor(['incidents', '--url', address as string, '-o', 'json']);
    expect(JSON.parse(listed.stdout)).toMatchObject({ id: incident?.id });
    const alerts = await spoor(['alerts', '--url', address as string, '--level', 'critical']);
    expect(alerts.stdout).toContain('Reverse shell by a network tool');
    expect(alerts.stdout).not.toContain('MEDIUM');
    const status = await spoor(['status', '--url', address as string]);
    expect(status.stdout).toMatch(/OK\s+source recorded break-in[\s\S]*1,040 events/);
    const shown = await spoor(['incident', (incident as Incident).id.slice(0, 10), '--url', address as string]);
    expect(shown.stdout).toMatch(
      /└─ 2 ▸ nc\.traditional \S+ 4444 -e \/bin\/bash .*◀ .*Reverse shell by a network tool[\s\S]*3 ▸ → 198\.51\.100\.66 TCP 4444 \[socket\]/,
    );
    const tree = await spoor(['tree', '--pod', (incident as Incident).pods[0] as string, '--url', address as string]);
    expect(tree.stdout).toMatch(/node \/app\/crawler\.js[\s\S]*└─ bash[\s\S]*→ exfil-bucket\.s3\.amazonaws\.com:443/);
    const capture = join(temporaryFolder(), 'incident.jsonl');
    await spoor(['incident', (incident as Incident).id.slice(0, 10), '--capture', capture, '--url', address as string]);
    const replayed = await spoor(['replay', capture, '-o', 'json']);
    expect(replayed.stdout).toContain('Reverse shell by a network tool');
    expect(await demo.end('SIGINT')).toBe(0);
    const gone = await spoor(['status', '--url', address as string]);
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('no Spoor answers at')]);
  });
});

describe('spoor run', () => {
  it('ends with the reason when its address is in use, also with sinks that have begun', async () => {
    const taken = await receiver();
    const folder = temporaryFolder();
    const file = config(folder, `sources: [{type: ingest}]\nsinks: {out: {type: stdout}}\n`);
    const { code, stderr } = await spoor(['run', '--config', file], {
      env: { SPOOR_API_LISTEN: new URL(taken.url).host },
    });
    expect(stderr).toMatch(/api\.listen: 127\.0\.0\.1:\d+ is in use by another program/);
    expect(code).toBe(1);
  });

  it('names the key of what is not there', async () => {
    const folder = temporaryFolder();
    const file = config(folder, 'sources: [{type: ingest}]\n');
    for (const [key, env] of [
      ['api.admin_token_file', { SPOOR_API_ADMIN_TOKEN_FILE: '/nowhere/token' }],
      ['rules.paths', { SPOOR_RULES_PATHS: '[/nowhere/rules]' }],
    ] as const) {
      const { code, stderr } = await spoor(['run', '--config', file], { env });
      expect(stderr).toMatch(new RegExp(`^spoor: ${key}: /nowhere/\\w+`));
      expect(code).toBe(1);
    }
  });

  it('keeps the rules that run when their folder goes, and says so until it is back', async () => {
    const folder = temporaryFolder();
    const rules = join(folder, 'rules');
    const write = (): void => {
      mkdirSync(rules);
      writeFileSync(
        join(rules, 'rule.yaml'),
        'title: Netcat\nid: 9d6f4d31-6cf5-4f7c-8a52-5b53d7a1c002\nlevel: low\ntaxonomy: spoor\nlogsource: {category: process_creation}\ndetection: {sel: {process.name: nc}}\n',
      );
    };
    write();
    const run = start([
      'run',
      '--config',
      config(folder, `sources: [{type: ingest}]\nrules: {defaults: false, paths: ['${rules}']}\n`),
    ]);
    const [address] = await run.shows(API);
    const state = async () =>
      ((await (await fetch(`${address}/api/v1/status`)).json()) as { rules: { loaded: number; errors: number } }).rules;
    const { loaded } = await state();
    expect(loaded).toBeGreaterThan(0);
    rmSync(rules, { recursive: true });
    await expect.poll(state, { timeout: 15_000 }).toMatchObject({ loaded, errors: 1 });
    write();
    await expect.poll(state, { timeout: 15_000 }).toMatchObject({ loaded, errors: 0 });
  });

  it('ends with 2 when its configuration is not there', async () => {
    const file = join(temporaryFolder(), 'none.yaml');
    expect(await spoor(['run', '--config', file])).toMatchObject({ code: 2, stderr: `spoor: ${file}: no such file\n` });
  });

  it('says in one screen what it needs, and where a setting is wrong', async () => {
    const bare = await spoor(['run']);
    expect([bare.code, bare.stderr]).toEqual([1, expect.stringContaining('sources:')]);
    const file = join(temporaryFolder(), 'wrong.yaml');
    writeFileSync(file, 'sources:\n- {type: hubble, adress: x}\nsinks: {a: {type: slack, webhook_url: 3}}\n');
    const wrong = await spoor(['run', '--config', file]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain(`${file}:2:`);
    expect(wrong.stderr).toContain("did you mean 'address'?");
    const misrouted = config(temporaryFolder(), 'sources: [{type: ingest}]\nroutes: [{to: [pager]}]\n');
    expect((await spoor(['run', '--config', misrouted])).stderr).toContain("no sink is called 'pager'");
    const open = await spoor(['run', '--config', config(temporaryFolder(), 'sources: [{type: ingest}]\n')], {
      env: { SPOOR_API_LISTEN: '0.0.0.0:0' },
    });
    expect([open.code, open.stderr]).toEqual([1, expect.stringContaining('without tokens')]);
  });

  it('takes events by HTTP, detects, and delivers signed webhooks through failures', async () => {
    const folder = temporaryFolder();
    const secret = `whsec_${Buffer.from('a key of twenty-four byte').toString('base64')}`;
    const { url, received } = await receiver([500, 429]);
    const file = config(
      folder,
      `sources: [{type: ingest}]\nsinks: {hook: {type: webhook, url: '${url}', secret: '${secret}', allow_private: true}}\nroutes: [{match: {level: [critical]}, to: [hook]}]\n`,
    );
    const run = start(['run', '--config', file]);
    const [address] = await run.shows(API);
    for (const path of STORY) {
      const answer = await fetch(`${address}/api/v1/ingest`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: text(path),
      });
      expect(await answer.json()).toMatchObject({ malformed: 0, unknown: 0 });
    }
    const told = await until('two webhooks', () => (received.length >= 2 ? received : null));
    for (const { headers, body } of told) new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(told.map(({ body }) => body).join('\n')).toContain('Reverse shell by a network tool');
    expect(run.output()).not.toContain(secret);
    const dead = await items<{ state: string }>(`${address}/api/v1/deliveries?state=dead`);
    expect(dead).toEqual([]);
    expect(await run.end()).toBe(0);
    const stored = await spoor(['alerts', '--db', join(folder, 'data/spoor.db'), '--level', 'critical', '-o', 'json']);
    expect(stored.stdout.split('\n').filter(line => line !== '').length).toBe(told.length);
  });

  it('follows growing, rotated export files and keeps its place over a restart', async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    mkdirSync(logs);
    const file = config(
      folder,
      `sources:\n- {type: file, path: '${logs}/tetragon*.log'}\n- {type: file, path: '${logs}/hubble*.log'}\n`,
    );
    const tetragon = text(STORY[0]).split('\n');
    const live = join(logs, 'tetragon.log');
    writeFileSync(live, `${tetragon.slice(0, 300).join('\n')}\n`);
    writeFileSync(join(logs, 'hubble.log'), text(STORY[1]));
    const first = start(['run', '--config', file]);
    const [before] = await first.shows(API);
    const count = async (address: string): Promise<number> => {
      const { sources } = (await (await fetch(`${address}/api/v1/status`)).json()) as {
        sources: { counters: { events: number } }[];
      };
      return sources.reduce((sum, { counters }) => sum + counters.events, 0);
    };
    await until('the first lines', async () => ((await count(before as string)) === 300 + 575 ? true : null));
    copyFileSync(live, join(logs, 'tetragon-2026-11-23T06-25-10.000.log'));
    writeFileSync(live, `${tetragon.slice(300, 400).join('\n')}\n`);
    await until('the rotated lines', async () => ((await count(before as string)) === 400 + 575 ? true : null));
    expect(await first.end()).toBe(0);
    appendFileSync(live, `${tetragon.slice(400).join('\n')}`);
    const second = start(['run', '--config', file]);
    const [after] = await second.shows(API);
    const shell = await until('the last alert', async () => {
      const alerts = await items<Alert>(`${after}/api/v1/alerts?limit=1000`);
      return alerts.some(alert => alert.rule.title === "Upload from an attacker's shell") ? alerts : null;
    });
    expect(new Set(shell.map(alert => alert.id)).size).toBe(shell.length);
    const incidents = await items<Incident>(`${after}/api/v1/incidents`);
    expect(incidents.length).toBe(1);
    expect(await second.end()).toBe(0);
  });

  it('takes changed rules at once, and keeps the good ones when they have errors', async () => {
    const folder = temporaryFolder();
    const rules = join(folder, 'rules');
    mkdirSync(rules);
    const rule = (name: string): string =>
      `title: Calls ${name}\nid: 6f1c0b7e-0000-4000-8000-00000000000a\ntaxonomy: spoor\nlevel: high\ntags: [attack.t1059]\ndescription: x\nlogsource: {category: process_creation}\ndetection: {s: {process.name: ${name}}, condition: s}\n`;
    writeFileSync(join(rules, 'own.yaml'), rule('curl'));
    const file = config(folder, `sources: [{type: ingest}]\nrules: {defaults: false, paths: ['${rules}']}\n`);
    const run = start(['run', '--config', file]);
    const [address] = await run.shows(API);
    const titles = async (): Promise<string[]> =>
      (await items<{ title: string }>(`${address}/api/v1/rules`)).map(({ title }) => title);
    expect(await titles()).toEqual(['Calls curl']);
    writeFileSync(join(rules, 'own.yaml'), 'title: Broken\ndetection: [\n');
    await run.shows(/changed rules have errors[^\n]*own\.yaml:\d/);
    expect(await titles()).toEqual(['Calls curl']);
    writeFileSync(join(rules, 'own.yaml'), '');
    await run.shows(/no rule is left in the files; the rules that were running go on/);
    expect(await titles()).toEqual(['Calls curl']);
    writeFileSync(join(rules, 'own.yaml'), rule('id'));
    await run.shows(/rules loaded again/);
    expect(await titles()).toEqual(['Calls id']);
    await fetch(`${address}/api/v1/ingest`, { method: 'POST', body: text(STORY[0]) });
    const alerts = await until('an alert of the new rule', async () => {
      const found = await items<Alert>(`${address}/api/v1/alerts`);
      return found.length > 0 ? found : null;
    });
    expect(alerts.every(alert => alert.rule.title === 'Calls id')).toBe(true);
    expect(await run.end()).toBe(0);
  });
});
