/** The running rules for people who look after them: why one fired, what an exception would do, what can fire here. */
import { basename } from 'node:path';
import type { Alert } from '../alerts/alert.ts';
import type { Scope } from '../api/deps.ts';
import type { CoverageView, ExceptionView, Rulebook, RuleSource, WhyView } from '../api/rulebook.ts';
import { TACTICS, TECHNIQUES, type Technique } from '../authoring/attack.ts';
import { coverageOf, type RuleCoverage } from '../authoring/coverage.ts';
import { navigatorLayer } from '../authoring/coverage-forms.ts';
import { whyOf } from '../authoring/why.ts';
import type { RuleFile } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import { decodeLine } from '../sources/json/decoder.ts';
import { proposeException } from './exceptions.ts';
import type { Sensors } from './sensors.ts';

export interface RulebookParts {
  readonly rules: () => readonly Rule[];
  /** The files as they are now. Throws when they cannot be read. */
  readonly files: () => readonly RuleFile[];
  readonly sensors: Sensors;
  /** A page of stored alerts of a rule, newest first, and each with its evidence. */
  readonly store: {
    alerts(
      query: { rule: string; limit: number },
      scope: Scope,
    ): Promise<{ items: readonly Alert[]; next: string | null }>;
    alert(id: string, scope: Scope): Promise<Alert | null>;
  };
}

export function createRulebook(parts: RulebookParts): Rulebook {
  const { rules, files, sensors } = parts;
  const ruleOf = (id: string): Rule | null => rules().find(rule => rule.id === id) ?? null;
  return {
    why(alert: Alert): WhyView {
      const { rule: state, ties, parts } = whyOf(alert, ruleOf(alert.rule.id), decodeLine);
      const { id, title } = alert.rule;
      return { alert: alert.id, rule: { id, title, state }, ties, parts };
    },
    exception: (alert: Alert, scope: Scope): Promise<ExceptionView> =>
      proposeException(alert, ruleOf(alert.rule.id), files, parts.store, scope),
    coverage(): CoverageView {
      const covered = coverageOf(rules(), sensors.view);
      return {
        since: sensors.since,
        tactics: TACTICS,
        techniques: [...TECHNIQUES, ...othersOf(covered)],
        rules: covered.map(({ rule: { id, title, level }, techniques, tactics, missing }) => ({
          id,
          title,
          level,
          techniques,
          tactics,
          missing,
        })),
      };
    },
    layer: (seen: boolean): unknown => navigatorLayer(coverageOf(rules(), seen ? sensors.view : null), 'Spoor'),
    source(id: string): RuleSource | null {
      const rule = ruleOf(id);
      const file = rule === null ? undefined : files().find(one => one.file === rule.file);
      if (rule === null || file === undefined) return null;
      return { file: basename(rule.file), line: rule.line, text: documentAt(file.text, rule.line) };
    },
  };
}

/** Techniques that rules name and the table lacks, with what they belong to: nameless, under the tactics of those rules. */
function othersOf(covered: readonly RuleCoverage[]): Technique[] {
  const known = new Set(TECHNIQUES.map(({ id }) => id));
  const others = new Map<string, Set<string>>();
  for (const { techniques, tactics } of covered)
    for (const id of techniques.flatMap(technique => [technique.split('.')[0] as string, technique])) {
      if (known.has(id)) continue;
      const of = others.get(id) ?? new Set();
      for (const tactic of tactics) of.add(tactic);
      others.set(id, of);
    }
  return [...others].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, of]) => ({ id, name: '', tactics: [...of] }));
}

/** The YAML document in which a line stands, without the marks around it. */
function documentAt(text: string, line: number): string {
  const lines = text.split('\n');
  const isMark = (at: number): boolean => /^---(\s|$)/.test(lines[at] ?? '');
  let from = Math.min(line - 1, lines.length);
  while (from > 0 && !isMark(from - 1)) from -= 1;
  let to = line;
  while (to < lines.length && !isMark(to)) to += 1;
  return `${lines.slice(from, to).join('\n').trimEnd()}\n`;
}
