import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRuleFiles } from '../../src/rule-files.ts';
import { loadRules } from '../../src/rules/load.ts';
import { replayFolder } from '../support/replay.ts';
import { type Line, LiveRun, type Outcome, storyLines } from './crash-support.ts';

const KILLS = Number(process.env.SPOOR_KILLS ?? 12);
const SEED = Number(process.env.SPOOR_SEED ?? (Date.now() % 1_000_000) + 1);

const folder = mkdtempSync(join(tmpdir(), 'spoor-restart-'));
// A copy: the ids of alerts hang on the rules.
const rules = join(folder, 'rules');
cpSync(join(import.meta.dirname, '../../rules'), rules, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A number from 0 up to below `n`, different on every call, the same for the same seed. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return n => {
    state = (state * 48_271) % 2_147_483_647;
    return state % n;
  };
}

/** Until the receiver and the store have everything that the uncrashed run gave. */
async function settle(run: LiveRun, expected: Outcome): Promise<Outcome> {
  await run
    .until(async () => {
      const { alerts, told } = await run.outcome();
      return told.length >= expected.told.length && alerts.size >= expected.alerts.size;
    })
    .catch(() => undefined);
  return run.outcome();
}

describe('a break-in while Spoor is killed and started again', () => {
  const lines = storyLines('lateral-movement');
  let whole: Outcome;

  beforeAll(async () => {
    const run = new LiveRun(join(folder, 'whole'), rules);
    await run.start();
    run.write(lines);
    const replayed = await replayFolder(
      join(import.meta.dirname, '../../captures/lateral-movement'),
      loadRules(readRuleFiles([rules])).rules,
    );
    const ids = replayed.alerts.map(alert => alert.id).sort();
    await run.until(() => new Set(run.told()).size === ids.length);
    whole = await run.outcome();
    await run.kill();
    expect([...whole.alerts.keys()]).toEqual(ids);
  }, 120_000);

  it(`gives the same alerts, counts and incidents (${KILLS} kills, SPOOR_SEED=${SEED})`, {
    timeout: 600_000,
  }, async () => {
    const random = dice(SEED);
    const run = new LiveRun(join(folder, 'killed'), rules);
    let written = 0;
    for (let kills = 0; kills < KILLS; kills++) {
      // Some of it comes while nobody is there, some while it starts, and some while it runs.
      const part = Math.ceil((lines.length - written) / (KILLS - kills));
      const away = random(part + 1);
      run.write(lines.slice(written, written + away));
      await run.start();
      for (let at = written + away; at < written + part; at += 16) {
        run.write(lines.slice(at, Math.min(at + 16, written + part)));
        await new Promise(resolve => setTimeout(resolve, random(8)));
      }
      written += part;
      // Anywhere: reading, waiting for late events, folding, storing, delivering.
      await new Promise(resolve => setTimeout(resolve, random(kills % 3 === 0 ? 100 : 4_000)));
      await run.kill();
    }
    await run.start();
    const outcome = await settle(run, whole);
    await run.kill();
    expect(outcome).toEqual(whole);
  });

  const between = (what: string, after: (line: Line) => boolean, before: (line: Line) => boolean) => {
    it(`goes on when it is killed between ${what}`, { timeout: 120_000 }, async () => {
      const run = new LiveRun(join(folder, what.replaceAll(' ', '-')), rules);
      const first = lines.findIndex(after);
      const second = lines.findIndex((line, at) => at > first && before(line));
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(first);
      await run.start();
      run.write(lines.slice(0, second));
      // All that waits goes out when both files are still for a while; then what came of it can be stored.
      const expected = [...whole.alerts.keys()].length;
      let seen = -1;
      await run.until(async () => {
        const now = (await run.outcome().catch(() => null))?.alerts.size ?? 0;
        const still = now === seen && now > 0;
        seen = now;
        if (!still) await new Promise(resolve => setTimeout(resolve, 2_500));
        return still;
      });
      expect(seen).toBeLessThan(expected);
      await run.kill();
      const earlier = new Set((await run.outcome()).alerts.keys());
      await run.start();
      expect(run.output).toContain('went on from the recording');
      run.write(lines.slice(second));
      const outcome = await settle(run, whole);
      await run.kill();
      expect(outcome).toEqual(whole);
      // The headline is one story, told from before the restart and from after it.
      const [headline] = [...outcome.incidents].sort((a, b) => b.alert_count - a.alert_count);
      const story = [...outcome.alerts].filter(([, { incident }]) => incident === headline?.id).map(([id]) => id);
      expect(story).toHaveLength(headline?.alert_count ?? 0);
      expect(story.some(id => earlier.has(id))).toBe(true);
      expect(story.some(id => !earlier.has(id))).toBe(true);
    });
  };
  between(
    'exec and egress',
    line => line.text.startsWith('{"process_exec"') && line.text.includes('/nc.traditional'),
    line => line.file === 'hubble' && line.text.includes('198.51.100.66'),
  );
  between(
    'shell and upload',
    line => line.file === 'hubble' && line.text.includes('198.51.100.66'),
    line => line.text.startsWith('{"process_exec"') && line.text.includes('exfil-bucket'),
  );
});
