/** Filters and correlations of Sigma as documents: what they refer to, and what then fires. */
import { describe, expect, it } from 'vitest';
import { Detector } from '../../../src/detection/detector.ts';
import type { Observation } from '../../../src/model/observation.ts';
import { loadRules } from '../../../src/rules/load.ts';
import { exec, makeProcess, nameOf } from '../../support/observations.ts';

const load = (...documents: string[]) => loadRules([{ file: 'meta.yml', text: documents.join('\n---\n') }]);

const base = (name: string, selection: string): string =>
  `title: Rule ${name}\nid: id-${name}\nname: ${name}\nlevel: low\nlogsource: {product: linux, category: process_creation}\ndetection: {s: {${selection}}, condition: s}`;

const correlation = (type: string, more: string, name = 'story'): string =>
  `title: A ${type}\nid: id-${name}\nname: ${name}\nlevel: high\nauthor: Someone\ncorrelation:\n  type: ${type}\n  timespan: 10s\n${more}`;

/** A program run at a second of the story, by a user, from a directory. */
type Run = [at: number, program: string, user?: string, cwd?: string];

const observe = ([at, program, user = 'eve', cwd = '/']: Run, i: number): Observation => {
  const process = makeProcess(`p${i}`);
  process.facts = { ...process.facts, binary: `/bin/${program}`, user, cwd };
  return exec(at, `${program}${i}`, process);
};

/** `rule id: trigger` of every finding. */
function findings(text: readonly string[], runs: readonly Run[]): string[] {
  const { rules, diagnostics } = load(...text);
  expect(diagnostics).toEqual([]);
  const detector = new Detector(rules);
  return runs.map(observe).flatMap(o => detector.step(o).map(f => `${f.rule.id}: ${nameOf(f.trigger)}`));
}

const [a, b, c] = ['a', 'b', 'c'].map(name => base(name, `Image|endswith: /${name}`)) as [string, string, string];

describe('a filter', () => {
  const filter = (condition: string, rules = '[a]', more = ''): string =>
    `title: Quiet\nlogsource: {product: linux, category: process_creation${more}}\nfilter:\n  rules: ${rules}\n  sel: {User: root}\n  condition: ${condition}`;
  const runs: Run[] = [
    [1, 'a', 'root'],
    [2, 'a', 'eve'],
    [3, 'b', 'root'],
  ];

  it.each(['[a]', '[id-a]', 'a'])('narrows the rules it names: %s', rules => {
    expect(findings([a, b, filter('not sel', rules)], runs)).toEqual(['id-a: a1', 'id-b: b2']);
  });

  it('narrows any rule of its log source', () => {
    expect(findings([a, b, filter('not sel', 'any')], runs)).toEqual(['id-a: a1']);
    expect(
      findings([a, b, filter('not sel', 'any', ', service: other').replace('service: other', 'service: sysmon')], runs),
    ).toHaveLength(3);
  });

  it('that says what to suppress does so, and is reported', () => {
    const { rules, diagnostics } = load(a, filter('sel'));
    expect(diagnostics).toMatchObject([{ code: 'filter-polarity', line: 13, column: 14 }]);
    const detector = new Detector(rules);
    expect(
      runs
        .map(observe)
        .flatMap(o => detector.step(o))
        .map(f => nameOf(f.trigger)),
    ).toEqual(['a1']);
  });

  it('changes the identity of the rule', () => {
    expect(load(a, filter('not sel')).rules[0]?.hash).not.toBe(load(a).rules[0]?.hash);
  });

  it('of no rule is reported', () => {
    expect(load(a, filter('not sel', '[nobody]')).diagnostics.map(d => d.code)).toEqual(['sigma-unsupported']);
  });
});

describe('a correlation', () => {
  it('of a rule that its authors have given up is passed over with it, and finds what replaced it', () => {
    const old = `${a}\nstatus: deprecated`;
    const story = correlation('event_count', "  rules: ['Rule a']\n  group-by: [User]\n  condition: {gte: 1}");
    const gone = load(old, story);
    expect([gone.rules, gone.diagnostics]).toEqual([[], []]);
    expect(gone.sigma.map(({ status }) => status)).toEqual(['skipped', 'skipped']);
    expect(gone.sigma[1]?.reasons[0]?.text).toBe('rule Rule a: deprecated, as it says of itself');
    const replaced = load(old, a.replace('id-a', 'id-new'), story);
    expect(replaced.rules.map(({ id }) => id)).toEqual(['id-story']);
    expect(load(a, `${story}\nstatus: unsupported`).rules.map(({ id }) => id)).toEqual(['id-a']);
  });

  it('counts, and its rules are silent', () => {
    const story = correlation('event_count', '  rules: [a]\n  group-by: [User]\n  condition: {gte: 3}');
    const runs: Run[] = [
      [1, 'a'],
      [2, 'a', 'bob'],
      [3, 'a'],
      [4, 'b'],
      [5, 'a'],
      [6, 'a'],
      [30, 'a'],
      [31, 'a'],
      [32, 'a'],
    ];
    expect(findings([a, b, story], runs)).toEqual(['id-b: b3', 'id-story: a4', 'id-story: a8']);
  });

  it('with generate lets them speak', () => {
    const story = correlation('event_count', '  rules: a\n  generate: true\n  condition: {gt: 1}');
    expect(
      findings(
        [story, a],
        [
          [1, 'a'],
          [2, 'a'],
        ],
      ),
    ).toEqual(['id-a: a0', 'id-story: a1', 'id-a: a1']);
  });

  it('counts within a range', () => {
    const story = correlation('event_count', '  rules: [a]\n  condition: {gt: 1, lte: 2}');
    expect(
      findings(
        [a, story],
        [
          [1, 'a'],
          [2, 'a'],
          [3, 'a'],
          [12, 'a'],
        ],
      ),
    ).toEqual(['id-story: a1', 'id-story: a3']);
  });

  it('counts distinct values, several fields being one value', () => {
    const story = correlation(
      'value_count',
      '  rules: [a, b]\n  condition: {field: [Image, CurrentDirectory], gte: 3}',
    );
    const runs: Run[] = [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, 'b', 'eve', '/tmp'],
    ];
    expect(findings([a, b, story], runs)).toEqual(['id-story: b3']);
  });

  it('wants an order only when it says so', () => {
    const runs: Run[] = [
      [1, 'a'],
      [2, 'c'],
      [3, 'b'],
      [20, 'a'],
      [21, 'b'],
      [22, 'c'],
    ];
    expect(findings([a, b, c, correlation('temporal_ordered', '  rules: [a, b, c]')], runs)).toEqual(['id-story: c5']);
    expect(findings([a, b, c, correlation('temporal', '  rules: [a, b, c]')], runs)).toEqual([
      'id-story: b2',
      'id-story: c5',
    ]);
  });

  it('joins equal groups only, and never an absent one', () => {
    const story = correlation('temporal', '  rules: [a, b]\n  group-by: [User, CurrentDirectory]');
    const runs: Run[] = [
      [1, 'a', 'eve', '/x'],
      [2, 'b', 'eve', '/y'],
      [3, 'a', 'eve', ''],
      [4, 'b', 'eve', ''],
      [5, 'b', 'eve', '/x'],
    ];
    expect(findings([a, b, story], runs)).toEqual(['id-story: b4']);
  });

  it('says in words which rules must be there', () => {
    const story = correlation('temporal', '  rules: [a, b, c]\n  condition: a and not b and c');
    expect(
      findings(
        [a, b, c, story],
        [
          [1, 'a'],
          [2, 'b'],
          [3, 'c'],
          [20, 'a'],
          [21, 'c'],
        ],
      ),
    ).toEqual(['id-story: c4']);
  });

  it('joins different fields by an alias', () => {
    const aliases = '  aliases:\n    who:\n      a: User\n      b: CurrentDirectory';
    const story = correlation('temporal_ordered', `  rules: [a, b]\n  group-by: [who]\n${aliases}`);
    expect(
      findings(
        [a, b, story],
        [
          [1, 'a', 'eve', '/1'],
          [2, 'b', 'x', 'bob'],
          [3, 'b', 'x', 'eve'],
        ],
      ),
    ).toEqual(['id-story: b2']);
  });

  it('of a correlation groups all of the chain as the outermost says', () => {
    const inner = correlation(
      'event_count',
      '  rules: [a]\n  group-by: [CurrentDirectory]\n  condition: {gte: 3}',
      'many',
    );
    const outer = correlation('temporal_ordered', '  rules: [many, b]\n  group-by: [User]');
    const runs: Run[] = [
      [1, 'a', 'eve', '/1'],
      [2, 'a', 'eve', '/2'],
      [3, 'a', 'eve', '/3'],
      [4, 'b', 'bob'],
      [5, 'b', 'eve'],
    ];
    expect(findings([outer, inner, a, b], runs)).toEqual(['id-story: b4']);
  });

  it('of a correlation counts its firings, not the events behind them', () => {
    const inner = correlation('event_count', '  rules: [a]\n  condition: {gte: 2}', 'pair').replace('10s', '2s');
    const outer = correlation('event_count', '  rules: [pair]\n  condition: {gte: 2}').replace('10s', '1m');
    const runs: Run[] = [
      [1, 'a'],
      [2, 'a'],
      [3, 'a'],
      [20, 'a'],
      [21, 'a'],
    ];
    expect(findings([outer, inner, a], runs)).toEqual(['id-story: a4']);
  });

  it('keeps its author and its evidence, each event under the rule that saw it', () => {
    const { rules } = load(a, b, correlation('temporal', '  rules: [a, id-b]'));
    const detector = new Detector(rules);
    const [finding] = (
      [
        [1, 'b'],
        [2, 'a'],
      ] as Run[]
    )
      .map(observe)
      .flatMap(o => detector.step(o));
    expect(finding).toMatchObject({ matches: 2, rule: { author: 'Someone', level: 'high' } });
    expect(finding?.evidence.map(e => [e.step, nameOf(e.observation)])).toEqual([
      ['id-b', 'b0'],
      ['a', 'a1'],
    ]);
  });

  it('remembers over a reload that does not change it', () => {
    const story = correlation('event_count', '  rules: [a]\n  condition: {gte: 2}');
    const detector = new Detector(load(a, story).rules);
    const [first, second] = (
      [
        [1, 'a'],
        [2, 'a'],
      ] as Run[]
    ).map(observe) as [Observation, Observation];
    expect(detector.step(first)).toEqual([]);
    detector.replaceRules(load(b, a, story).rules);
    expect(detector.step(second)).toHaveLength(1);
    detector.replaceRules(load(base('a', 'Image|endswith: [/a, /b]'), story).rules);
    expect(detector.stats().rules[0]?.partials).toBe(0);
  });

  it('holds its bounds, and counts what it forgets', () => {
    const story = correlation('event_count', '  rules: [a]\n  group-by: [CurrentDirectory]\n  condition: {gte: 2}');
    const detector = new Detector(load(a, story).rules, { limits: { perRule: 20, perOwner: 5 } });
    for (let i = 0; i < 100; i++) detector.step(observe([1, 'a', 'eve', `/${i}`], i));
    expect(detector.stats().rules[0]).toMatchObject({ partials: 5, evicted: 95 });
  });

  it.each([
    ['an unknown rule', [correlation('temporal', '  rules: [nobody]')], 'bad-correlation', /nobody/],
    ['itself', [correlation('temporal', '  rules: [story]')], 'bad-correlation', /itself/],
    ['an unknown type', [correlation('value_max', '  rules: [a]')], 'bad-correlation', /value_max/],
    [
      'an unknown field',
      [a, correlation('temporal', '  rules: [a]\n  group-by: [Nobody]')],
      'sigma-unsupported',
      /Nobody/,
    ],
    [
      'a field that its events never carry',
      [a, correlation('temporal', '  rules: [a]\n  group-by: [QueryName]')],
      'sigma-unsupported',
      /never carry/,
    ],
    [
      'an alias that leaves a rule out',
      [a, b, correlation('temporal', '  rules: [a, b]\n  group-by: [x]\n  aliases: {x: {a: User}}')],
      'bad-correlation',
      /says nothing of rule b/,
    ],
    [
      'no field to count',
      [a, correlation('value_count', '  rules: [a]\n  condition: {gte: 2}')],
      'bad-correlation',
      /needs a field/,
    ],
    ['no condition', [a, correlation('event_count', '  rules: [a]')], 'bad-correlation', /needs a condition/],
    [
      'a bound that no memory holds',
      [a, correlation('event_count', '  rules: [a]\n  condition: {gte: 99000000}')],
      'bad-correlation',
      /at most/,
    ],
  ] as const)('of %s is reported', (_, documents, code, message) => {
    const { diagnostics, sigma } = load(...documents);
    expect(diagnostics.map(d => d.code)).toEqual([code]);
    expect(diagnostics[0]?.message).toMatch(message);
    expect(sigma.at(-1)?.status).toBe(code === 'bad-correlation' ? 'broken' : 'unsupported');
  });

  it('of rules for another product is skipped as they are', () => {
    const windows = a.replace('linux', 'windows');
    const { diagnostics, sigma, rules } = load(windows, correlation('temporal', '  rules: [a]'));
    expect([diagnostics, rules]).toEqual([[], []]);
    expect(sigma.map(outcome => outcome.status)).toEqual(['skipped', 'skipped']);
  });

  it('in chains that double at every step ends in bounded time', () => {
    const chain = Array.from({ length: 30 }, (_, i) =>
      correlation('temporal', `  rules: [s${i + 1}, t${i + 1}]`, `s${i}`).replace('temporal\n', 'temporal_ordered\n'),
    );
    const twins = Array.from({ length: 31 }, (_, i) =>
      correlation('temporal_ordered', `  rules: [s${i}, s${i}]`, `t${i}`),
    );
    const { rules } = load(...chain, ...twins, base('s30', 'Image: /x'));
    expect(rules.length).toBeLessThan(10);
  });
});
