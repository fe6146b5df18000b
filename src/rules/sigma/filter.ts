/** Sigma filters: selections that narrow other rules, without a change to those. */
import { digest } from '../../model/hash.ts';
import { canonical } from '../canonical.ts';
import type { Condition } from '../condition.ts';
import { parseDetection } from '../detection.ts';
import type { Library } from '../library.ts';
import { isRecord, type YamlDocument } from '../yaml.ts';
import { readLogSource } from './logsource.ts';
import { readMetadata, type SigmaMetadata } from './metadata.ts';
import type { SigmaReason, SigmaStatus } from './outcome.ts';
import { collecting } from './rule.ts';

const RULES_MAX = 10_000;

export interface ParsedFilter {
  readonly document: YamlDocument;
  readonly value: Readonly<Record<string, unknown>>;
  readonly metadata: SigmaMetadata;
  /** Ids and names; null for any rule of the log source. */
  readonly rules: readonly string[] | null;
  /** What a match must satisfy to be kept; null unless `status` is native. */
  readonly keep: Condition | null;
  readonly lists: readonly string[];
  /** Of its content: part of the identity of the rules that it narrows. */
  readonly hash: string;
  readonly status: SigmaStatus;
  readonly reasons: readonly SigmaReason[];
}

/**
 * Both polarities that are in use: `condition: not selection` says what stays, as conversion tools join it to the rule with `and`;
 * `condition: selection` names what is to be suppressed, as the specification's own example does. The latter is reported, since
 * those tools would keep exactly what it means to suppress.
 */
export function parseFilter(
  document: YamlDocument,
  value: Readonly<Record<string, unknown>>,
  library: Library,
): ParsedFilter | null {
  const metadata = readMetadata(value, document.problems);
  if (metadata === null) return null;
  const { problems, unsupported, broken } = collecting(document.problems);
  const filter = value.filter;
  const base = { document, value, metadata, rules: [], keep: null, lists: [], hash: digest(canonical(filter)) };
  if (!isRecord(filter)) {
    problems.add('bad-filter', ['filter'], 'filter is a map of rules, selections and a condition');
    return { ...base, status: 'broken', reasons: broken };
  }
  const source = readLogSource(value.logsource);
  if (source.status === 'skipped') {
    const { line, column } = document.problems.place(['logsource', source.key]);
    return { ...base, status: 'skipped', reasons: [{ text: source.reason, line, column }] };
  }
  const { rules: written, ...detection } = filter;
  const rules = readRules(written);
  if (rules === undefined) {
    problems.add('bad-filter', ['filter', 'rules'], 'rules is a list of ids and names of rules, or any');
    return { ...base, status: 'broken', reasons: broken };
  }
  const listsUsed = new Set<string>();
  const macros = { find: () => null, names: () => [] };
  const scope = { problems, native: false, lists: library.lists, listsUsed, macros, unusedAllowed: true };
  const condition = parseDetection(detection, ['filter'], scope);
  if (condition === null) {
    const isBroken = broken.length > 0;
    return { ...base, rules, status: isBroken ? 'broken' : 'unsupported', reasons: isBroken ? broken : unsupported };
  }
  const keeps = isNegative(condition);
  if (!keeps)
    problems.add(
      'filter-polarity',
      ['filter', 'condition'],
      'the filter suppresses what its condition matches, while other tools would keep only that',
      'write not before it: condition: not selection',
    );
  const keep: Condition = keeps ? condition : { type: 'not', of: condition };
  return { ...base, rules, keep, lists: [...listsUsed], status: 'native', reasons: [] };
}

/** Undefined when it is no list of names. */
function readRules(written: unknown): readonly string[] | null | undefined {
  if (written === 'any') return null;
  const list: readonly unknown[] = Array.isArray(written) ? written : [written];
  if (list.length === 0 || list.length > RULES_MAX || !list.every(name => typeof name === 'string')) return undefined;
  return list as readonly string[];
}

/** Nothing but negations, joined by `and`. */
function isNegative(condition: Condition): boolean {
  return condition.type === 'not' || (condition.type === 'and' && condition.of.every(isNegative));
}

/** A filter is for rules whose log source says all that its own says. */
export function appliesTo(filter: ParsedFilter, rule: Readonly<Record<string, unknown>>): boolean {
  const [own, other] = [filter.value.logsource, rule.logsource];
  if (!isRecord(own)) return true;
  return ['category', 'product', 'service'].every(
    key => own[key] === undefined || (isRecord(other) && own[key] === other[key]),
  );
}
