/**
 * The pack on the recordings, by ground truth: every malicious step has an alert of medium or above (*found*), that alert carries a
 * technique of that very step (*named*), and nothing else has one (*false*).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Alert, Incident } from '../src/alerts/alert.ts';
import { LEVELS } from '../src/rules/rule.ts';
import { replayFolder } from './support/replay.ts';

interface TruthProcess {
  readonly exec_id: string;
}

interface TruthStep {
  readonly step: number | string;
  readonly pod: string;
  readonly malicious: boolean;
  readonly techniques: readonly string[];
  readonly expected?: string;
  readonly execs: readonly TruthProcess[];
}

interface Truth {
  readonly steps: readonly TruthStep[];
  readonly malicious_exec_ids: readonly string[];
}

interface Score {
  readonly steps: number;
  readonly found: number;
  readonly named: number;
  readonly false: readonly string[];
  readonly missed: readonly string[];
}

const FOLDERS = [
  'benign',
  'lateral-movement',
  'reverse-shells',
  'exfil',
  'escape-nsenter',
  'escape-host-disk',
  'escape-core-pattern',
  'credential-theft',
  'miner',
  'variants/chart-defaults/benign',
  'variants/chart-defaults/lateral-movement',
];

/** Techniques that say no more than that somebody is in: they name a step only when it has no others. */
const GENERIC = new Set(['T1190', 'T1059.004', 'T1609', 'T1071', 'T1059']);

function execIds(value: unknown, into = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) execIds(item, into);
  else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) {
      if (key === 'exec_id' && typeof item === 'string') into.add(item);
      else execIds(item, into);
    }
  }
  return into;
}

const techniques = (alert: Alert): string[] =>
  alert.rule.tags.filter(tag => tag.startsWith('attack.t')).map(tag => tag.slice(7).toUpperCase());

function score(truth: Truth, alerts: readonly Alert[]): Score {
  const steps = truth.steps.filter(step => step.malicious && step.expected !== 'context');
  const malicious = new Set(truth.malicious_exec_ids);
  const found = new Set<TruthStep>();
  const named = new Set<TruthStep>();
  const wrong: string[] = [];
  for (const alert of alerts) {
    if (LEVELS.indexOf(alert.rule.level) < LEVELS.indexOf('medium')) continue;
    const touched = execIds([alert.evidence, alert.flows, alert.process]);
    const mine = steps.filter(step => step.execs.some(({ exec_id }) => touched.has(exec_id)));
    for (const step of mine) {
      found.add(step);
      const own = step.techniques.filter(technique => !GENERIC.has(technique));
      const wanted = own.length > 0 ? own : step.techniques;
      if (techniques(alert).some(got => wanted.some(want => want === got || want.startsWith(`${got}.`))))
        named.add(step);
    }
    const chain = [alert.process?.exec_id, ...alert.ancestors.map(({ exec_id }) => exec_id)];
    const isRight = mine.length > 0 || chain.some(id => id !== undefined && malicious.has(id));
    if (!isRight) wrong.push(`${alert.rule.title}: ${alert.message}`);
  }
  return {
    steps: steps.length,
    found: found.size,
    named: named.size,
    false: wrong,
    missed: steps.filter(step => !found.has(step)).map(step => String(step.step)),
  };
}

const scores = new Map<string, Score>();
const incidents = new Map<string, readonly Incident[]>();

describe('the rules that ship, on the recordings', () => {
  it.each(FOLDERS)('%s: every step found, nothing false', async folder => {
    const path = join('captures', folder);
    const truth = JSON.parse(readFileSync(join(path, 'truth.json'), 'utf8')) as Truth;
    const replayed = await replayFolder(path);
    const result = score(truth, replayed.alerts);
    scores.set(folder, result);
    incidents.set(folder, replayed.incidents);
    expect(result.missed).toEqual([]);
    expect(result.false).toEqual([]);
  });

  it('names at least 20 of the 21 steps by their own technique', () => {
    const all = FOLDERS.map(folder => scores.get(folder) as Score);
    const total = (pick: (score: Score) => number): number => all.reduce((sum, one) => sum + pick(one), 0);
    expect(total(one => one.steps)).toBe(21);
    expect(total(one => one.found)).toBe(21);
    expect(total(one => one.named)).toBeGreaterThanOrEqual(20);
  });

  it('tells the break-in as one incident, with the chart defaults too', async () => {
    for (const folder of ['lateral-movement', 'variants/chart-defaults/lateral-movement']) {
      const { alerts } = await replayFolder(join('captures', folder));
      expect(incidents.get(folder)?.map(({ level }) => level)).toEqual(['critical']);
      const title = incidents.get(folder)?.[0]?.title ?? '';
      expect(title).toContain('198.51.100.66:4444');
      expect(title).toContain('exfil-bucket.s3.amazonaws.com');
      const shell = alerts.find(alert => alert.rule.title === 'Reverse shell by a network tool');
      expect(shell?.process?.binary).toBe('/usr/bin/nc.traditional');
      expect(shell?.ancestors.slice(0, 2).map(({ binary }) => binary)).toEqual(['/bin/sh', '/usr/bin/node']);
    }
  });

  it('tells the same story without monitor aggregation and when the attacker is denied', async () => {
    for (const variant of ['lateral-movement-none', 'lateral-movement-denied']) {
      const files = ['captures/lateral-movement/tetragon.jsonl.gz', `captures/variants/${variant}/hubble.jsonl.gz`];
      expect(files.every(file => existsSync(file))).toBe(true);
      const { alerts } = await replayFolder(files);
      expect(alerts.map(alert => alert.rule.title)).toContain('Reverse shell by a network tool');
    }
  });

  afterAll(() => {
    for (const [folder, one] of scores) {
      process.stdout.write(
        `${folder.padEnd(42)} found ${one.found}/${one.steps} named ${one.named} false ${one.false.length}\n`,
      );
    }
  });
});
