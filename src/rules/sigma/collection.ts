/** The Sigma documents of a load → rules that run, with what became of each document. */
import { digest } from '../../model/hash.ts';
import { requiresOf } from '../analysis.ts';
import { canonical } from '../canonical.ts';
import { compileCondition } from '../compile.ts';
import type { Library } from '../library.ts';
import { toMatcher } from '../matcher.ts';
import type { Rule, SigmaCorrelation } from '../rule.ts';
import { isRecord, type YamlDocument } from '../yaml.ts';
import { approximations } from './approximates.ts';
import { type ParsedCorrelation, parseCorrelation } from './correlation.ts';
import { sigmaKind } from './document.ts';
import { appliesTo, type ParsedFilter, parseFilter } from './filter.ts';
import type { SigmaMetadata } from './metadata.ts';
import type { SigmaLoaded } from './native.ts';
import type { SigmaOutcome, SigmaReason, SigmaStatus } from './outcome.ts';
import { type Referred, resolveCorrelation, Unresolved } from './resolve.ts';
import { collecting, type ParsedSigmaRule, parseSigmaRule } from './rule.ts';
import type { SkippedFile } from './skip.ts';

export interface SigmaRules {
  /** In the order of their documents. Rules that only correlations use are not among them. */
  readonly rules: readonly { readonly rule: Rule; readonly document: YamlDocument }[];
  /** The plain ones among them. */
  readonly loaded: readonly SigmaLoaded[];
  readonly outcomes: readonly SigmaOutcome[];
}

/** Statuses of what its authors have replaced, or do not hold for usable. */
const GIVEN_UP: ReadonlySet<string> = new Set(['deprecated', 'unsupported']);
const FILTERS_PER_RULE_MAX = 100;

/** `native`: rules of the native language, to which correlations may refer too; `skipped`: files that were not even parsed. */
export function loadSigma(
  documents: readonly YamlDocument[],
  library: Library,
  native: ReadonlyMap<string, Rule>,
  skipped: readonly SkippedFile[],
): SigmaRules {
  const plain: ParsedSigmaRule[] = [];
  const filters: ParsedFilter[] = [];
  const correlations: ParsedCorrelation[] = [];
  const givenUp: [value: Readonly<Record<string, unknown>>, reason: string][] = [];
  const outcomes = new Map<YamlDocument, SigmaOutcome>();
  const conclude = (document: YamlDocument, status: SigmaStatus, reasons: readonly SigmaReason[]): void => {
    const value = isRecord(document.value) ? document.value : {};
    const kind = sigmaKind(value) ?? 'rule';
    const { line } = document.problems.place([]);
    const { title, id } = namesOf(value);
    const runs = kind === 'rule' && (status === 'native' || status === 'needs');
    const approximates = runs ? approximations(value, document.problems) : [];
    const { file } = document.problems;
    outcomes.set(document, { file, line, title, id, kind, status, reasons, approximates });
  };
  const referred = new Map<string, Referred>();
  const refer = ({ id, name, title }: Pick<SigmaMetadata, 'id' | 'name' | 'title'>, what: Referred): void => {
    for (const key of [id, name, title]) if (key !== '' && !referred.has(key)) referred.set(key, what);
  };
  for (const { outcome, name } of skipped) {
    const reason = outcome.reasons[0]?.text ?? '';
    refer({ ...outcome, name }, { type: 'none', status: 'skipped', reason });
  }
  for (const document of documents) {
    const { value } = document;
    const kind = sigmaKind(value);
    if (kind === null || !isRecord(value)) continue;
    const given = String(value.status ?? '').toLowerCase();
    if (GIVEN_UP.has(given)) {
      const reason = `${given}, as it says of itself`;
      conclude(document, 'skipped', [{ text: reason, ...document.problems.place(['status']) }]);
      givenUp.push([value, reason]);
      continue;
    }
    const parsed =
      kind === 'rule'
        ? parseSigmaRule(document, value, library)
        : kind === 'filter'
          ? parseFilter(document, value, library)
          : parseCorrelation(document, value);
    if (parsed === null) conclude(document, 'broken', []);
    else if ('condition' in parsed) plain.push(parsed);
    else if ('keep' in parsed) filters.push(parsed);
    else correlations.push(parsed);
  }

  const used = new Set<ParsedFilter>();
  const byName = filtersByName(filters);
  const rules = new Map<YamlDocument, Rule>();
  const sources = new Map<YamlDocument, SigmaLoaded>();
  const excess = new Set<YamlDocument>();
  for (const parsed of plain) {
    const { document, metadata } = parsed;
    const names = [metadata.id, metadata.name].filter(name => name !== '');
    const own = filtersOf(parsed, names, byName).filter(filter => appliesTo(filter, parsed.value));
    for (const filter of own) used.add(filter);
    for (const { document: tooMany } of own.splice(FILTERS_PER_RULE_MAX)) excess.add(tooMany);
    const kept = own.filter(filter => filter.keep !== null);
    const { rule, status, reasons } = compile(parsed, kept, library);
    conclude(document, status, reasons);
    if (rule === null) {
      const reason = reasons[0]?.text ?? 'it is broken';
      refer(metadata, {
        type: 'none',
        status: status === 'skipped' || status === 'unsupported' ? status : 'broken',
        reason,
      });
      continue;
    }
    rules.set(document, rule);
    const lists = new Map(parsed.lists.map(list => [list, library.lists.get(list) ?? []]));
    const keeps = kept.flatMap(({ keep }) => keep ?? []);
    sources.set(document, { rule, value: parsed.value, keeps, lists });
    refer(metadata, { type: 'rule', rule, names, document });
  }
  for (const { problems } of excess)
    problems.add(
      'bad-filter',
      ['filter'],
      `more than ${FILTERS_PER_RULE_MAX} filters narrow one rule; this one does not`,
    );
  for (const filter of filters) {
    const { status, reasons, document } = filter;
    conclude(document, status, reasons);
    if (status === 'native' && !used.has(filter) && filter.rules !== null)
      collecting(document.problems).problems.add(
        'unsupported',
        ['filter', 'rules'],
        'the filter applies to no rule of this load',
      );
  }
  for (const correlation of correlations) {
    const names = [correlation.metadata.id, correlation.metadata.name].filter(name => name !== '');
    const { document } = correlation;
    refer(correlation.metadata, { type: 'correlation', correlation, names, document });
  }
  // Last, as what replaces a rule often keeps its title.
  for (const [value, reason] of givenUp) refer(namesOf(value), { type: 'none', status: 'skipped', reason });
  const lookup = (name: string): Referred | null => {
    const found = referred.get(name);
    if (found !== undefined) return found;
    const rule = native.get(name);
    if (rule === undefined) return null;
    if (rule.branches.length === 0 || rule.count !== null || rule.firstSeen !== null)
      return { type: 'none', status: 'unsupported', reason: 'it is decided by several events already' };
    return { type: 'rule', rule, names: [rule.id] };
  };
  const resolved: ParsedCorrelation[] = [];
  for (const correlation of correlations) {
    const { document, metadata } = correlation;
    try {
      const spec = resolveCorrelation(correlation, lookup);
      const rule = correlationRule(correlation, spec);
      conclude(document, rule.requires.length === 0 ? 'native' : 'needs', needs(rule, document));
      rules.set(document, rule);
      resolved.push(correlation);
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error;
      const { line, column } = document.problems.place(['correlation', error.key]);
      conclude(document, error.status, [{ text: error.message, line, column }]);
      if (error.status === 'skipped') continue;
      const code = error.status === 'broken' ? 'bad-correlation' : 'sigma-unsupported';
      document.problems.add(code, ['correlation', error.key], `${metadata.title}: ${error.message}`);
    }
  }
  const silent = silenced(resolved, lookup);
  const running = documents.flatMap(document => {
    const rule = rules.get(document);
    return rule === undefined || silent.has(document) ? [] : [{ rule, document }];
  });
  return {
    rules: running,
    loaded: running.flatMap(({ document }) => sources.get(document) ?? []),
    outcomes: documents.flatMap(document => outcomes.get(document) ?? []),
  };
}

const namesOf = (value: Readonly<Record<string, unknown>>): Pick<SigmaMetadata, 'id' | 'name' | 'title'> => {
  const text = (key: string): string => String(value[key] ?? '').trim();
  return { id: text('id'), name: text('name'), title: text('title') };
};

/** What correlations use without `generate` does not fire by itself; rules of the native language always do. */
function silenced(
  correlations: readonly ParsedCorrelation[],
  lookup: (name: string) => Referred | null,
): ReadonlySet<YamlDocument> {
  const silent = new Set<YamlDocument>();
  const loud = new Set<YamlDocument>();
  for (const { rules, generate } of correlations) {
    for (const name of rules) {
      const document = lookup(name)?.document;
      if (document !== undefined) (generate ? loud : silent).add(document);
    }
  }
  return new Set([...silent].filter(document => !loud.has(document)));
}

interface FiltersByName {
  readonly named: ReadonlyMap<string, readonly ParsedFilter[]>;
  /** For any rule. */
  readonly general: readonly ParsedFilter[];
}

function filtersByName(filters: readonly ParsedFilter[]): FiltersByName {
  const named = new Map<string, ParsedFilter[]>();
  for (const filter of filters) {
    for (const name of filter.rules ?? []) {
      const known = named.get(name);
      if (known === undefined) named.set(name, [filter]);
      else known.push(filter);
    }
  }
  return { named, general: filters.filter(filter => filter.rules === null) };
}

function filtersOf(
  { status }: ParsedSigmaRule,
  names: readonly string[],
  { named, general }: FiltersByName,
): readonly ParsedFilter[] {
  if (status !== 'native') return [];
  return [...new Set([...names.flatMap(name => named.get(name) ?? []), ...general])];
}

const needs = (rule: Rule, document: YamlDocument): SigmaReason[] =>
  rule.requires.map(text => ({ text, ...document.problems.place(['logsource']) }));

function compile(
  parsed: ParsedSigmaRule,
  filters: readonly ParsedFilter[],
  library: Library,
): { readonly rule: Rule | null; readonly status: SigmaStatus; readonly reasons: readonly SigmaReason[] } {
  const { document, metadata, value } = parsed;
  if (parsed.condition === null) return { rule: null, status: parsed.status, reasons: parsed.reasons };
  const keeps = filters.flatMap(filter => (filter.keep === null ? [] : [filter.keep]));
  const condition =
    keeps.length === 0 ? parsed.condition : ({ type: 'and', of: [parsed.condition, ...keeps] } as const);
  const { problems, unsupported } = collecting(document.problems);
  const matcher = toMatcher(condition, ['detection'], problems);
  if (matcher === null) return { rule: null, status: 'unsupported', reasons: unsupported };
  const lists = [...new Set([...parsed.lists, ...filters.flatMap(filter => filter.lists)])].sort();
  const hash = digest(
    canonical([value, lists.map(name => library.lists.get(name)), filters.map(filter => filter.hash)]),
  );
  const rule: Rule = {
    ...described(metadata, hash, document),
    requires: [...requiresOf(condition)].sort(),
    branches: [{ ...matcher, id: '' }],
  };
  return { rule, status: rule.requires.length === 0 ? 'native' : 'needs', reasons: needs(rule, document) };
}

const NEVER = compileCondition({ type: 'or', of: [] });

function described(
  metadata: SigmaMetadata,
  hash: string,
  { problems }: YamlDocument,
): Omit<Rule, 'requires' | 'branches'> {
  const { name: _, ...told } = metadata;
  return {
    ...told,
    id: metadata.id === '' ? hash : metadata.id,
    runbook: '',
    message: '',
    hash,
    file: problems.file,
    line: problems.place([]).line,
    sequence: null,
    count: null,
    firstSeen: null,
    excepted: NEVER,
  };
}

function correlationRule({ document, metadata, value }: ParsedCorrelation, correlation: SigmaCorrelation): Rule {
  const leaves = leavesOf(correlation);
  const hash = digest(canonical([value, correlation.inputs.map(shape), leaves.map(rule => rule.hash)]));
  const requires = [...new Set(leaves.flatMap(rule => rule.requires))].sort();
  return { ...described(metadata, hash, document), requires, branches: [], correlation };
}

/** What of a chain its own document does not say. */
function shape({ name, values, of }: SigmaCorrelation['inputs'][number]): unknown {
  if (of.type === 'rule') return [name, values, of.key];
  const { type, timespan, bounds, inputs } = of.correlation;
  return [name, values, type, timespan, bounds, inputs.map(shape)];
}

function leavesOf({ inputs }: SigmaCorrelation): Rule[] {
  return inputs.flatMap(({ of }) => (of.type === 'rule' ? [of.rule] : leavesOf(of.correlation)));
}
