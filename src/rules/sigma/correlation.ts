/** `correlation:` of a Sigma document, read by itself: what it refers to is resolved later. */
import { MICROS_PER_SECOND, type Micros } from '../../model/time.ts';
import { didYouMean } from '../names.ts';
import type { CorrelationBound, CorrelationType } from '../rule.ts';
import { isRecord, type Path, type Problems, type YamlDocument } from '../yaml.ts';
import { readMetadata, type SigmaMetadata } from './metadata.ts';

const TYPES: readonly CorrelationType[] = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
];
const COMPARISONS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
const RULES_MAX = 32;
const GROUP_FIELDS_MAX = 16;
const NAME_CHARS_MAX = 256;
/** A window has to remember as many events as its largest bound says. */
const COUNT_BOUND_MAX = 50_000;
const PERCENTILE_DEFAULT = 50;

const UNITS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
  M: 2_629_746,
  y: 31_556_952,
};

export interface ParsedCorrelation {
  readonly document: YamlDocument;
  readonly value: Readonly<Record<string, unknown>>;
  readonly metadata: SigmaMetadata;
  readonly type: CorrelationType;
  /** Ids and names, at least one. */
  readonly rules: readonly string[];
  readonly groupBy: readonly string[];
  /** Alias → rule → field. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly timespan: Micros;
  readonly bounds: readonly CorrelationBound[];
  /** `a and b` over names of rules, for temporal types; else ''. */
  readonly expression: string;
  readonly fields: readonly string[];
  readonly percentile: number;
  /** The rules that it refers to fire by themselves as well. */
  readonly generate: boolean;
}

const AT: Path = ['correlation'];

/** Null after reporting. */
export function parseCorrelation(
  document: YamlDocument,
  value: Readonly<Record<string, unknown>>,
): ParsedCorrelation | null {
  const { problems } = document;
  const metadata = readMetadata(value, problems);
  if (metadata === null) return null;
  const spec = value.correlation;
  const bad = (key: string, message: string, hint = ''): null => {
    problems.add('bad-correlation', key === '' ? AT : [...AT, key], message, hint);
    return null;
  };
  if (!isRecord(spec)) return bad('', 'correlation is a map of type, rules, group-by, timespan and condition');
  const type = TYPES.find(known => known === spec.type);
  if (type === undefined)
    return bad(
      'type',
      `unknown type of correlation ${String(spec.type)}`,
      didYouMean(String(spec.type), TYPES) || TYPES.join(' '),
    );
  const rules = names(spec.rules, RULES_MAX);
  if (rules === null || rules.length === 0) return bad('rules', `rules names 1 to ${RULES_MAX} rules by id or name`);
  const groupBy = spec['group-by'] == null ? [] : names(spec['group-by'], GROUP_FIELDS_MAX);
  if (groupBy === null) return bad('group-by', `group-by is a list of at most ${GROUP_FIELDS_MAX} fields`);
  const timespan = parseTimespan(spec.timespan);
  if (timespan === null) return bad('timespan', 'timespan is a number with s, m, h or d', 'like 10m');
  const aliases = parseAliases(spec.aliases);
  if (aliases === null) return bad('aliases', 'aliases is a map: alias → rule → field');
  const generate = spec.generate ?? value.generate ?? false;
  if (typeof generate !== 'boolean') return bad('generate', 'generate is true or false');
  const condition = parseCondition(spec.condition, type, rules.length, problems);
  if (condition === null) return null;
  return { document, value, metadata, type, rules, groupBy, aliases, timespan, generate, ...condition };
}

function names(value: unknown, max: number): string[] | null {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isName = (name: unknown): name is string =>
    typeof name === 'string' && name !== '' && name.length <= NAME_CHARS_MAX;
  return list.length <= max && list.every(isName) ? [...list] : null;
}

function parseTimespan(value: unknown): Micros | null {
  const parts = typeof value === 'string' ? /^(\d{1,9})([smhdwMy])$/.exec(value.trim()) : null;
  if (parts === null) return null;
  const micros = Number(parts[1]) * (UNITS[parts[2] as string] as number) * MICROS_PER_SECOND;
  return micros > 0 && Number.isSafeInteger(micros) ? micros : null;
}

function parseAliases(value: unknown): ReadonlyMap<string, ReadonlyMap<string, string>> | null {
  if (value == null) return new Map();
  if (!isRecord(value)) return null;
  const aliases = new Map<string, ReadonlyMap<string, string>>();
  for (const [alias, byRule] of Object.entries(value)) {
    if (!isRecord(byRule)) return null;
    const fields = new Map<string, string>();
    for (const [rule, field] of Object.entries(byRule)) {
      if (typeof field !== 'string') return null;
      fields.set(rule, field);
    }
    aliases.set(alias, fields);
  }
  return aliases;
}

type ParsedCondition = Pick<ParsedCorrelation, 'bounds' | 'expression' | 'fields' | 'percentile'>;

function parseCondition(
  value: unknown,
  type: CorrelationType,
  rules: number,
  problems: Problems,
): ParsedCondition | null {
  const at = [...AT, 'condition'];
  const bad = (message: string, hint = '', path: Path = at): null => {
    problems.add('bad-correlation', path, message, hint);
    return null;
  };
  const isTemporal = type === 'temporal' || type === 'temporal_ordered';
  const none = { expression: '', fields: [], percentile: PERCENTILE_DEFAULT };
  if (value == null) {
    if (isTemporal) return { ...none, bounds: [{ comparison: 'gte', value: rules }] };
    return bad(`${type} needs a condition`, 'like {gte: 10}', AT);
  }
  if (typeof value === 'string' && isTemporal) return { ...none, bounds: [], expression: value };
  if (!isRecord(value)) return bad('condition is a map of bounds', 'like {gte: 10}');
  const bounds: CorrelationBound[] = [];
  for (const comparison of COMPARISONS) {
    const bound = value[comparison];
    if (bound === undefined) continue;
    const number = typeof bound === 'string' && /^-?\d+(\.\d+)?$/.test(bound) ? Number(bound) : bound;
    if (typeof number !== 'number' || !Number.isFinite(number))
      return bad(`${comparison} needs a number`, '', [...at, comparison]);
    bounds.push({ comparison, value: number });
  }
  const counts = type === 'event_count' || type === 'value_count';
  if (bounds.length === 0) return bad('the condition has no bound', `one or more of ${COMPARISONS.join(', ')}`);
  if (counts && bounds.some(bound => bound.value > COUNT_BOUND_MAX))
    return bad(`a window remembers at most ${COUNT_BOUND_MAX} matches`, 'a smaller bound with a shorter timespan');
  for (const key of Object.keys(value)) {
    if (!(COMPARISONS as readonly string[]).includes(key) && key !== 'field' && key !== 'percentile')
      return bad(`unknown key ${key} in condition`, didYouMean(key, [...COMPARISONS, 'field', 'percentile']), [
        ...at,
        key,
      ]);
  }
  const fields = value.field === undefined ? [] : names(value.field, GROUP_FIELDS_MAX);
  if (fields === null) return bad('field names one field, or a list of them', '', [...at, 'field']);
  const needsField = !isTemporal && type !== 'event_count';
  if (needsField && fields.length === 0) return bad(`${type} needs a field in its condition`);
  if (fields.length > 1 && type !== 'value_count') return bad(`${type} takes one field`, '', [...at, 'field']);
  const percentile = value.percentile ?? PERCENTILE_DEFAULT;
  if (typeof percentile !== 'number' || !(percentile >= 0 && percentile <= 100))
    return bad('percentile is a number from 0 to 100', '', [...at, 'percentile']);
  return { bounds, expression: '', fields: needsField ? fields : [], percentile };
}
