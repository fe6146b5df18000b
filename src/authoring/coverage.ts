/** Which ATT&CK techniques the rules speak of, and which rules can fire with what the sensors of a recording report. */
import type { Observation } from '../model/observation.ts';
import { FIELDS } from '../rules/catalogue/catalogue.ts';
import { callsOf, isSyscallHook, settingOf } from '../rules/catalogue/falco-syscall.ts';
import { type Field, STREAM_KINDS } from '../rules/catalogue/field.ts';
import type { Matcher, Rule } from '../rules/rule.ts';
import { TACTICS, TECHNIQUES } from './attack.ts';

/** What a recording showed its sensors to report. Feed it every observation. */
export class SensorView {
  readonly kinds = new Map<string, number>();
  readonly functions = new Map<string, number>();
  readonly policies = new Map<string, number>();
  /** Settings as rules name them (`policy.file`, `hubble.dns` …) of which something was seen. */
  readonly settings = new Set<string>();
  ancestors = false;
  /** Those of field families are looked at by hand. */
  readonly #open = new Map<string, Field[]>([
    ['tetragon.env', []],
    ['tetragon.pod_annotations', []],
  ]);

  constructor() {
    for (const field of FIELDS)
      for (const setting of field.requires) this.#open.set(setting, [...(this.#open.get(setting) ?? []), field]);
  }

  /** Every setting that some field needs. */
  get missing(): readonly string[] {
    return [...this.#open.keys()].sort();
  }

  add(o: Observation): void {
    const { event } = o;
    count(this.kinds, event.kind);
    if ('functionName' in event) {
      if (event.functionName !== '') {
        count(this.functions, event.functionName);
        // What Falco's rules need of a system call is named by it.
        for (const call of callsOf(o)) {
          const setting = isSyscallHook(event) ? `policy.sys_${call}` : (settingOf(call) ?? '');
          if (setting.startsWith('policy.sys_')) this.settings.add(setting);
        }
      }
      if (event.policy !== '') count(this.policies, event.policy);
      if (event.ancestors.length > 0) this.ancestors = true;
      const { env, pod } = event.process;
      if (env !== null) this.#seen('tetragon.env');
      if (pod !== null && Object.keys(pod.annotations).length > 0) this.#seen('tetragon.pod_annotations');
    }
    for (const [setting, fields] of this.#open) {
      if (fields.some(field => field.kinds.includes(event.kind) && isPresent(field.get(o, o.process))))
        this.#seen(setting);
    }
  }

  #seen(setting: string): void {
    this.settings.add(setting);
    this.#open.delete(setting);
  }
}

const FUNCTIONS_MAX = 10_000;

function count(map: Map<string, number>, key: string): void {
  if (map.has(key) || map.size < FUNCTIONS_MAX) map.set(key, (map.get(key) ?? 0) + 1);
}

const isPresent = (value: unknown): boolean =>
  value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);

export interface RuleCoverage {
  readonly rule: Rule;
  /** `T1059.004`, as tagged. */
  readonly techniques: readonly string[];
  readonly tactics: readonly string[];
  /** What it would need and was not seen; [] when it can fire; null when no recording was given. */
  readonly missing: readonly string[] | null;
}

export const coverageOf = (rules: readonly Rule[], view: SensorView | null): RuleCoverage[] =>
  rules.map(rule => ({
    rule,
    techniques: rule.tags.filter(tag => /^attack\.t\d{4}/.test(tag)).map(tag => tag.slice(7).toUpperCase()),
    tactics: TACTICS.filter(tactic => rule.tags.some(tag => tag.replaceAll('-', '_') === `attack.${tactic}`)),
    missing: view === null ? null : missingFor(rule, view),
  }));

const TACTICS_OF = new Map(TECHNIQUES.map(({ id, tactics }) => [id, tactics]));

/**
 * Where in the matrix a rule's technique counts: in those of ATT&CK's tactics for it that the rule is tagged with, or in all of
 * them when it is tagged with none. Of a technique that is not known here the tags alone are believed.
 */
function tacticsOf(technique: string, tagged: readonly string[]): readonly string[] {
  const all = TACTICS_OF.get(technique) ?? TACTICS_OF.get(technique.slice(0, 5)) ?? tagged;
  const both = all.filter(tactic => tagged.includes(tactic));
  return both.length > 0 ? both : all;
}

export interface TacticCoverage {
  /** '' for what has none. */
  readonly tactic: string;
  /** Rules of the tactic, each with those of its techniques that belong there. */
  readonly rows: readonly RuleCoverage[];
}

/** In the order of the matrix; tactics without rules are left out. */
export const byTactic = (coverage: readonly RuleCoverage[]): TacticCoverage[] =>
  [...TACTICS, ''].flatMap(tactic => {
    const rows = coverage.flatMap(row => {
      const techniques = row.techniques.filter(technique => {
        const tactics = tacticsOf(technique, row.tactics);
        return tactic === '' ? tactics.length === 0 : tactics.includes(tactic);
      });
      const bare =
        row.techniques.length === 0 && (tactic === '' ? row.tactics.length === 0 : row.tactics.includes(tactic));
      return techniques.length > 0 || bare ? [{ ...row, techniques }] : [];
    });
    return rows.length === 0 ? [] : [{ tactic, rows }];
  });

function missingFor(rule: Rule, view: SensorView): string[] {
  const settings = rule.requires.filter(setting => !view.settings.has(setting));
  const parts = rule.sequence?.steps.filter(step => !step.absent) ?? rule.branches;
  const each = parts.map(part => missingForPart(part, view));
  // Every step of a sequence must be possible, but only one branch.
  const lacking = rule.sequence === null ? (each.some(part => part.length === 0) ? [] : each.flat()) : each.flat();
  return [...new Set([...settings, ...lacking])].sort();
}

function missingForPart(part: Matcher, view: SensorView): string[] {
  // Losses and floods are told by every sensor when they happen; a quiet recording does not lack them.
  if (part.kinds.some(kind => STREAM_KINDS.includes(kind))) return [];
  if (!part.kinds.some(kind => view.kinds.has(kind))) return [`events of kind ${part.kinds.join(' or ')}`];
  const hints = part.hints ?? [];
  if (hints.length === 0 || hints.some(hint => hint.field !== 'kprobe.function' || hint.match === 'present')) return [];
  const wanted = hints.flatMap(hint => hint.literals.map(literal => ({ match: hint.match, literal })));
  const seen = [...view.functions.keys()].map(name => name.toLowerCase());
  const found = wanted.some(({ match, literal }) => seen.some(name => fits(name, match, literal.toLowerCase())));
  return found ? [] : [`a policy on ${[...new Set(wanted.map(({ literal }) => literal))].join(' or ')}`];
}

function fits(name: string, match: string, literal: string): boolean {
  if (match === 'startswith') return name.startsWith(literal);
  if (match === 'endswith') return name.endsWith(literal);
  return match === 'contains' ? name.includes(literal) : name === literal;
}
