/** A real `spoor run` over two growing export files, which can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Alert, Incident } from '../../src/alerts/alert.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';
import { openStore } from '../../src/store/sqlite/open.ts';

const root = join(import.meta.dirname, '../..');

export interface Line {
  readonly file: 'tetragon' | 'hubble';
  readonly text: string;
  readonly time: number;
}

/** Both files of a recording as the sensors wrote them: by event time, the boot scan first. */
export function storyLines(scenario: string): Line[] {
  const lines: (Line & { key: number })[] = [];
  for (const file of ['tetragon', 'hubble'] as const) {
    let key = 0;
    const text = gunzipSync(readFileSync(join(root, 'captures', scenario, `${file}.jsonl.gz`))).toString('utf8');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const { time } = decodeLine(line);
      key = Math.max(key, time);
      lines.push({ file, text: line, time, key });
    }
  }
  return lines.sort((a, b) => a.key - b.key);
}

export interface Outcome {
  readonly alerts: ReadonlyMap<string, { count: number; incident: string; rule: string }>;
  readonly incidents: readonly { id: string; level: string; alert_count: number; title: string }[];
  /** Ids that the receiver saw. */
  readonly told: readonly string[];
}

export class LiveRun {
  readonly #folder: string;
  #child: ChildProcess | null = null;
  #output = '';

  /** `rules`: folder of the rules to run with. */
  constructor(folder: string, rules: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const file of ['tetragon', 'hubble']) writeFileSync(this.#log(file), '');
    const path = (name: string) => JSON.stringify(join(folder, name));
    writeFileSync(
      join(folder, 'spoor.yaml'),
      `sources:
  - {type: file, name: tetragon, path: ${path('tetragon.log')}}
  - {type: file, name: hubble, path: ${path('hubble.log')}}
store: {path: ${path('spoor.db')}}
sinks: {told: {type: file, path: ${path('told.jsonl')}}}
routes: [{to: [told]}]
api: {listen: '127.0.0.1:0'}
rules: {watch: false, defaults: false, paths: [${JSON.stringify(rules)}]}
`,
    );
  }

  get output(): string {
    return this.#output;
  }

  #log(file: string): string {
    return join(this.#folder, `${file}.log`);
  }

  write(lines: readonly Line[]): void {
    for (const file of ['tetragon', 'hubble'] as const) {
      const text = lines.filter(line => line.file === file).map(line => `${line.text}\n`);
      if (text.length > 0) appendFileSync(this.#log(file), text.join(''));
    }
  }

  /** Resolves when it has started. */
  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(root, 'src/cli.ts'), 'run', '--config', join(this.#folder, 'spoor.yaml')],
      { cwd: root, env: { PATH: process.env.PATH, HOME: process.env.HOME }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    this.#output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', data => (this.#output += String(data)));
    await this.until(() => this.#output.includes('API on') || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`it did not start: ${this.#output}`);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 60_000; !(await condition()); ) {
      if (Date.now() > end) throw new Error(`it did not come to that: ${this.#output}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** Ids of the alerts that the receiver was told of so far. */
  told(): string[] {
    const path = join(this.#folder, 'told.jsonl');
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap(line => /"id":"([0-9a-f]{32})"/.exec(line)?.[1] ?? []);
  }

  async outcome(): Promise<Outcome> {
    const store = await openStore({ path: join(this.#folder, 'spoor.db'), readOnly: true });
    try {
      const alerts: Alert[] = (await store.alerts({ limit: 1_000 }, null)).items.slice();
      const incidents: Incident[] = (await store.incidents({ limit: 1_000 }, null)).items.slice();
      return {
        alerts: new Map(
          alerts
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .map(({ id, count, incident_id: incident, rule }) => [id, { count, incident, rule: rule.title }]),
        ),
        incidents: incidents
          .map(({ id, level, alert_count, title }) => ({ id, level, alert_count, title }))
          .sort((a, b) => (a.id < b.id ? -1 : 1)),
        told: [...new Set(this.told())].sort(),
      };
    } finally {
      await store.close();
    }
  }
}
