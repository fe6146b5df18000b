/** What rules cover, and what can fire with the sensors of a recording. */
import { describe, expect, it } from 'vitest';
import { byTactic, coverageOf, SensorView } from '../../src/authoring/coverage.ts';
import { coverageMarkdown, navigatorLayer } from '../../src/authoring/coverage-forms.ts';
import { Context } from '../../src/context/context.ts';
import { loadRules } from '../../src/rules/load.ts';
import { spoor } from '../cli/cli.ts';
import { eventsOf } from './recorded.ts';

const rule = (id: number, title: string, tags: string, body: string): string => `title: '${title}'
id: 4f2cbb51-0f53-4d43-9d25-2b8a87a4a1${String(id).padStart(2, '0')}
level: high
taxonomy: spoor
tags: [${tags}]
${body}
`;
const text = [
  rule(1, 'Runs', 'attack.execution, attack.t1059.004', 'detection: { a: { process.name: x }, condition: a }'),
  rule(
    2,
    'Credentials',
    'attack.privilege-escalation, attack.t1548.001',
    'detection: { a: { process.setuid: 0 }, condition: a }',
  ),
  rule(
    3,
    'Hook',
    'attack.execution, attack.t1059',
    'detection: { a: { kprobe.function: security_odd }, condition: a }',
  ),
  rule(
    4,
    'One | branch',
    'attack.t1041',
    'any: [{ id: a, detection: { a: { dns.query: x }, condition: a } }, { id: b, detection: { a: { process.name: x }, condition: a } }]',
  ),
  rule(
    5,
    'Both steps',
    'attack.exfiltration, attack.t1041',
    `sequence:
  by: pod
  within: 1m
  steps: [{ id: a, detection: { a: { kprobe.function|endswith: _odd }, condition: a } }, { id: b, detection: { a: { process.name: x }, condition: a } }]`,
  ),
  rule(
    6,
    'Losses',
    'attack.defense_evasion',
    'logsource: { kind: lost_events }\ndetection: { a: { event.kind: lost_events }, condition: a }',
  ),
].join('---\n');
const { rules, diagnostics } = loadRules([{ file: 'x.yaml', text }], { tests: false });

function viewOf(scenario: string): SensorView {
  const context = new Context();
  const view = new SensorView();
  for (const event of eventsOf(scenario)) view.add(context.observe(event));
  return view;
}

it('puts techniques under the tactics that they belong to', () => {
  const tagged = (tags: string): string[] => {
    const {
      rules: [only],
    } = loadRules([
      { file: 'x.yaml', text: rule(9, 'X', tags, 'detection: { a: { process.name: x }, condition: a }') },
    ]);
    return byTactic(coverageOf(only === undefined ? [] : [only], null)).map(
      ({ tactic, rows }) => `${tactic}: ${rows.flatMap(({ techniques }) => techniques).join(' ')}`,
    );
  };
  expect(tagged('attack.execution, attack.discovery, attack.t1046, attack.t1059.004')).toEqual([
    'execution: T1059.004',
    'discovery: T1046',
  ]);
  // Tagged with some of its tactics, with none of them, unknown, and bare.
  expect(tagged('attack.persistence, attack.t1078')).toEqual(['persistence: T1078']);
  expect(tagged('attack.impact, attack.t1059.004')).toEqual(['execution: T1059.004']);
  expect(tagged('attack.impact, attack.t9999')).toEqual(['impact: T9999']);
  expect(tagged('attack.t9999')).toEqual([': T9999']);
  expect(tagged('attack.impact')).toEqual(['impact: ']);
});

describe('with a recording', () => {
  it('tells what cannot fire, and why', () => {
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    const missing = Object.fromEntries(
      coverageOf(rules, viewOf('variants/chart-defaults/lateral-movement')).map(row => [row.rule.title, row.missing]),
    );
    expect(missing).toEqual({
      Runs: [],
      Credentials: ['tetragon.process_cred'],
      Hook: ['a policy on security_odd'],
      'One | branch': [],
      'Both steps': ['a policy on _odd'],
      Losses: [],
    });
  });

  it('sees credentials, namespaces and ancestors where the sensor reports them', () => {
    const full = viewOf('lateral-movement');
    const bare = viewOf('variants/chart-defaults/lateral-movement');
    expect([full.ancestors, bare.ancestors]).toEqual([true, false]);
    for (const setting of ['tetragon.process_cred', 'tetragon.process_ns']) {
      expect([setting, full.settings.has(setting), bare.settings.has(setting)]).toEqual([setting, true, false]);
      expect(bare.missing).toContain(setting);
    }
  });
});

it('makes a layer of the Navigator', () => {
  const layer = navigatorLayer(coverageOf(rules, viewOf('variants/chart-defaults/lateral-movement')), 'x') as {
    domain: string;
    versions: { layer: string };
    filters: { platforms: string[] };
    techniques: { techniqueID: string; score?: number; color?: string; showSubtechniques?: boolean }[];
  };
  expect(layer).toMatchObject({
    domain: 'enterprise-attack',
    versions: { layer: '4.5' },
    filters: { platforms: ['Linux', 'Containers'] },
  });
  expect(
    layer.techniques.map(({ techniqueID, score, showSubtechniques }) => [techniqueID, score, showSubtechniques]),
  ).toEqual([
    ['T1041', 1, true],
    ['T1059', 0, true],
    ['T1059.004', 1, false],
    ['T1548.001', 0, false],
    ['T1548', undefined, true],
  ]);
  expect(layer.techniques.find(({ techniqueID }) => techniqueID === 'T1059')?.color).toBeDefined();
});

it('makes a table in which titles stay in their cells', () => {
  const table = coverageMarkdown(coverageOf(rules, null));
  expect(table).toContain('| Execution | [T1059.004](https://attack.mitre.org/techniques/T1059/004/) | 1: Runs |');
  expect(table).toContain('One \\| branch');
  expect(table).not.toContain('cannot fire');
});

it('is printed in each form', async () => {
  const json = await spoor([
    'rules',
    'coverage',
    'rules/impact',
    '-o',
    'json',
    '--capture',
    'captures/miner/tetragon.jsonl.gz',
  ]);
  expect(json.code).toBe(0);
  for (const line of json.stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('can_fire');
  const layer = await spoor(['rules', 'coverage', '-o', 'navigator']);
  expect(JSON.parse(layer.stdout)).toHaveProperty('techniques');
  expect((await spoor(['rules', 'coverage', '-o', 'markdown'])).stdout).toContain('| tactic |');
  expect((await spoor(['rules', 'coverage', '-o', 'svg'])).code).toBe(2);
}, 60_000);
