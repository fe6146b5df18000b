/** Explanations tell the truth: their verdict is the compiled predicate's, and they name the condition that failed. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import type { Observation } from '../../src/model/observation.ts';
import { readRuleFiles, shippedRules } from '../../src/rule-files.ts';
import { conditionOf } from '../../src/rules/compile.ts';
import { explainCondition, failureOf, nearness } from '../../src/rules/explain.ts';
import { loadRules } from '../../src/rules/load.ts';
import type { Matcher } from '../../src/rules/rule.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';

function observations(scenario: string): Observation[] {
  const context = new Context();
  const folder = new URL(`../../captures/${scenario}/`, import.meta.url);
  return ['tetragon', 'hubble'].flatMap(sensor =>
    gunzipSync(readFileSync(new URL(`${sensor}.jsonl.gz`, folder)))
      .toString('utf8')
      .split('\n')
      .filter(line => line !== '')
      .slice(0, 150)
      .map(line => context.observe(decodeLine(line))),
  );
}

const matchers: readonly Matcher[] = loadRules(readRuleFiles([shippedRules()])).rules.flatMap(rule => [
  ...rule.branches,
  ...(rule.sequence?.steps ?? []),
]);

function explain(selection: string, line: object): ReturnType<typeof explainCondition> {
  const text = `title: T\nlevel: low\ntaxonomy: spoor\ndetection: {sel: ${selection}}`;
  const [rule] = loadRules([{ file: 'r.yaml', text }]).rules;
  const condition = rule === undefined ? null : conditionOf(rule.branches[0]?.test ?? (() => false));
  if (condition === null) throw new Error('the rule does not load');
  return explainCondition(condition, new Context().observe(decodeLine(JSON.stringify(line))));
}

const exec = {
  process_exec: {
    process: {
      exec_id: 'bjo5OTo3',
      pid: 7,
      binary: '/usr/bin/nc',
      arguments: '-z 10.0.0.1',
      cwd: '/',
      flags: 'execve',
    },
  },
  node_name: 'n',
  time: '2026-01-01T00:00:00Z',
};

describe('a verdict', () => {
  it.each(['reverse-shells', 'escape-nsenter', 'miner'])('is that of the predicate, for every rule: %s', scenario => {
    const wrong: string[] = [];
    for (const observation of observations(scenario)) {
      for (const matcher of matchers) {
        const condition = conditionOf(matcher.test);
        if (condition === null) throw new Error('a matcher without a condition');
        const explanation = explainCondition(condition, observation);
        const holds = matcher.test(observation);
        const agrees =
          (explanation.verdict === 'true') === holds &&
          (nearness(explanation) === 1) === holds &&
          (failureOf(explanation) === null) === holds;
        if (!agrees) wrong.push(explanation.asks);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('is unknown where the sensor did not report the field, and not around it holds', () => {
    expect(explain('{process.euid: 0}', exec)).toMatchObject({ verdict: 'unknown', value: null });
    expect(explain('{process.euid|neq: 0}', exec).verdict).toBe('unknown');
    expect(explain('{process.euid|exists: false}', exec).verdict).toBe('true');
  });

  it('comes with the value met and the one condition that failed', () => {
    const explanation = explain("{process.name: nc, process.arguments|contains: ' -e '}", exec);
    expect(explanation.verdict).toBe('false');
    expect(failureOf(explanation)).toMatchObject({
      asks: 'process.arguments: * -e *',
      verdict: 'false',
      value: '-z 10.0.0.1',
    });
  });

  it('of a choice points at what came nearest', () => {
    const selection = '[{process.name: ssh, process.uid: 5}, {process.name: nc, process.cwd: /tmp}]';
    expect(failureOf(explain(selection, exec))).toMatchObject({ asks: 'process.cwd: /tmp', value: '/' });
  });
});
