/** Runs the tests that stand inside rules, through the same context and detector as everything else. */
import { Context } from '../context/context.ts';
import { Orderer } from '../context/order.ts';
import { Detector } from '../detection/detector.ts';
import type { Event } from '../model/event.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { Finding } from '../rules/finding.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleTest } from '../rules/rule-test.ts';
import { compare } from './compare.ts';
import { Explainer, type Seen } from './explain.ts';
import { explanationLines } from './explain-text.ts';
import { BadTest } from './given.ts';
import { Scenario } from './scenario.ts';

export interface RuleWithTests {
  readonly rule: Rule;
  readonly tests: readonly RuleTest[];
}

export interface RuleTestOptions {
  /** One record in the export's shape → its event; throws with the reason when it is none. */
  readonly decode: (line: string) => Event;
  /** Events of a capture named by a test; `path` is relative to `file`. Throws with the reason. */
  readonly readCapture: (path: string, file: string) => Iterable<Event>;
  /** Findings of the same key within this time of the last one are one alert. */
  readonly suppress?: Micros;
}

export interface RuleTestResult {
  readonly rule: string;
  readonly title: string;
  readonly test: string;
  readonly file: string;
  readonly line: number;
  readonly passed: boolean;
  /** What is not as expected, and why; [] when passed. */
  readonly problems: readonly string[];
  readonly alerts: number;
}

/** As alerting does by default. */
const SUPPRESS: Micros = 300 * MICROS_PER_SECOND;

export function runRuleTests(rules: readonly RuleWithTests[], options: RuleTestOptions): RuleTestResult[] {
  return rules.flatMap(({ rule, tests }) => tests.map(test => runRuleTest(rule, test, options)));
}

function runRuleTest(rule: Rule, test: RuleTest, options: RuleTestOptions): RuleTestResult {
  const result = { rule: rule.id, title: rule.title, test: test.name, file: test.file, line: test.line };
  try {
    const run = new Run(rule, options);
    run.captures(test);
    run.events(test);
    // Where a recording ends says nothing about what came after.
    if (test.captures.length === 0) run.end();
    const alerts = run.alerts();
    const problems = compare(alerts, test.expect);
    if (alerts.length < test.expect.alerts) problems.push(...explain(rule, run.seen, alerts.length > 0));
    for (const alert of alerts.slice(0, alerts.length > test.expect.alerts ? ALERTS_SHOWN : 0))
      problems.push(
        `alert: ${alert.evidence.map(item => `${item.step} by ${run.nameOf(item.observation.seq)}`).join(', ')}`,
      );
    return { ...result, passed: problems.length === 0, problems, alerts: alerts.length };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return {
      ...result,
      passed: false,
      problems: [error instanceof BadTest ? problem : `cannot run: ${problem}`],
      alerts: 0,
    };
  }
}

function explain(rule: Rule, seen: readonly Seen[], fired: boolean): string[] {
  const explainer = new Explainer(rule);
  for (const item of seen) explainer.add(item);
  return explanationLines(explainer.explanation(), fired);
}

const ALERTS_SHOWN = 5;
/** Of a capture only the last events can be explained. */
const SEEN_MAX = 2_000;

class Run {
  readonly seen: Seen[] = [];
  readonly #options: RuleTestOptions;
  readonly #context = new Context();
  readonly #detector: Detector;
  readonly #findings: Finding[] = [];

  constructor(rule: Rule, options: RuleTestOptions) {
    this.#options = options;
    this.#detector = new Detector([rule]);
  }

  captures(test: RuleTest): void {
    const orderer = new Orderer();
    const ordered: Event[] = [];
    for (const path of test.captures) {
      for (const event of this.#options.readCapture(path, test.file)) orderer.push(event, path);
    }
    orderer.drain(ordered, true);
    for (const event of ordered) this.#step(event, `the ${event.kind} at ${formatInstant(event.time, event.ns)}`);
  }

  events(test: RuleTest): void {
    const scenario = new Scenario();
    for (const [position, event] of test.events.entries()) {
      try {
        scenario.add(event, position);
      } catch (error) {
        if (error instanceof BadTest) throw new BadTest(`line ${event.line}: ${error.message}`);
        throw error;
      }
    }
    for (const { record, event } of scenario.entries) {
      const decoded = this.#options.decode(JSON.stringify(record));
      if (event === null) this.#context.observe(decoded);
      else this.#step(decoded, `event ${event + 1} (${test.events[event]!.type})`);
    }
  }

  /** Nothing more happens: what waits for its window to close is decided. */
  end(): void {
    this.#findings.push(...this.#detector.advance(Number.POSITIVE_INFINITY));
  }

  alerts(): Finding[] {
    const error = this.#detector.stats().rules.find(stats => stats.failures > 0);
    if (error !== undefined) throw new BadTest(`the rule fails: ${error.error}`);
    const last = new Map<string, Micros>();
    return this.#findings.filter(({ key, time }) => {
      const before = last.get(key);
      last.set(key, time);
      return before === undefined || time - before >= (this.#options.suppress ?? SUPPRESS);
    });
  }

  nameOf(seq: number): string {
    return this.seen.find(item => item.observation.seq === seq)?.name ?? `event ${seq}`;
  }

  #step(event: Event, name: string): void {
    const observation = this.#context.observe(event);
    this.#findings.push(...this.#detector.step(observation));
    this.seen.push({ observation, name });
    if (this.seen.length > SEEN_MAX) this.seen.shift();
  }
}
