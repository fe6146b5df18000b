/** Alerts against what a test expects of them. */
import type { Finding } from '../rules/finding.ts';
import type { TestExpectation } from '../rules/rule-test.ts';
import { attributionOf, factOf } from './facts.ts';

type Pattern = TestExpectation['matching'][number];

/** What is not as expected, in plain words; [] when all is. */
export function compare(alerts: readonly Finding[], expect: TestExpectation): string[] {
  const problems: string[] = [];
  if (alerts.length !== expect.alerts) problems.push(`expected ${plural(expect.alerts)}, got ${alerts.length}`);
  for (const alert of alerts) {
    if (expect.confidence !== null && alert.confidence !== expect.confidence)
      problems.push(`expected confidence ${expect.confidence}, got ${alert.confidence}`);
    if (expect.attribution !== null && attributionOf(alert) !== expect.attribution)
      problems.push(`expected attribution ${expect.attribution}, got ${attributionOf(alert) ?? 'none'}`);
  }
  for (const pattern of unmatched(alerts, expect.matching)) {
    const nearest = alerts.map(alert => differences(alert, pattern)).sort((a, b) => a.length - b.length)[0];
    const why =
      nearest === undefined ? 'there is no alert' : nearest.join('; ') || 'another expectation has taken that alert';
    problems.push(`no alert is ${describe(pattern)}: ${why}`);
  }
  return problems;
}

/** Patterns left over when each takes one alert of its own, as many as can be. */
function unmatched(alerts: readonly Finding[], patterns: readonly Pattern[]): Pattern[] {
  const takenBy = new Map<number, number>();
  const take = (pattern: number, tried: Set<number>): boolean => {
    for (const [alert, finding] of alerts.entries()) {
      if (tried.has(alert) || differences(finding, patterns[pattern]!).length > 0) continue;
      tried.add(alert);
      const owner = takenBy.get(alert);
      if (owner === undefined || take(owner, tried)) {
        takenBy.set(alert, pattern);
        return true;
      }
    }
    return false;
  };
  return patterns.filter((_, pattern) => !take(pattern, new Set()));
}

function differences(alert: Finding, pattern: Pattern): string[] {
  return Object.entries(pattern).flatMap(([name, wanted]) => {
    const fact = factOf(alert, name);
    if (fact === undefined) return [`there is no field '${name}'`];
    if (equals(fact, wanted)) return [];
    return [`${name} is ${fact === null ? 'absent' : JSON.stringify(fact)}, not ${JSON.stringify(wanted)}`];
  });
}

/** Texts may have `*` and `?`; of a list any element will do. */
function equals(fact: unknown, wanted: Pattern[string]): boolean {
  if (wanted === null || fact === null) return wanted === fact;
  if (Array.isArray(fact)) return fact.some(item => equals(item, wanted));
  if (typeof wanted !== 'string') return fact === wanted;
  return wildcard(wanted, String(fact));
}

/** Linear but for one backtracking star at a time. */
function wildcard(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

function describe(pattern: Pattern): string {
  return JSON.stringify(pattern);
}

function plural(alerts: number): string {
  return alerts === 1 ? '1 alert' : `${alerts} alerts`;
}
