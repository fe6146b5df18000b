/** What each rule cost, as `rules list --url` and `replay --profile` show it: a line a rule, the dearest first. */
import type { Engine } from '../engine.ts';
import { shown } from '../render/alert.ts';
import type { Rule } from '../rules/rule.ts';

export interface RuleCost {
  readonly title: string;
  readonly seconds: number;
  readonly evaluated: number;
  readonly matches: number;
  readonly held: number;
  readonly evicted: number;
  readonly error: string;
}

export function ruleCosts(rules: readonly Rule[], engine: Engine): RuleCost[] {
  const titles = new Map(rules.map(({ id, title }) => [id, title]));
  return engine.detector.stats().rules.map(({ id, findings, partials, ...stats }) => ({
    ...stats,
    title: titles.get(id) ?? id,
    matches: findings,
    held: partials,
  }));
}

const cell = (value: number | string, width: number): string => String(value).padStart(width);

/** Rules that nothing was evaluated for are counted, not listed. */
export function profileLines(costs: readonly RuleCost[]): string[] {
  const used = costs.filter(({ evaluated, error }) => evaluated > 0 || error !== '');
  const sorted = [...used].sort((a, b) => b.seconds - a.seconds || b.evaluated - a.evaluated);
  return [
    '   time ms  evaluated  matches    held  evicted  rule',
    ...sorted.map(({ title, seconds, evaluated, matches, held, evicted, error }) => {
      const off = error === '' ? '' : `  switched off: ${shown(error)}`;
      const numbers = [cell((seconds * 1_000).toFixed(2), 10), cell(evaluated, 11), cell(matches, 9), cell(held, 8)];
      return `${numbers.join('')}${cell(evicted, 9)}  ${shown(title)}${off}`;
    }),
    `${costs.length - used.length} more rules had nothing to evaluate`,
  ];
}
