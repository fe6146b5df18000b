/** One document → one rule with its tests, or null after reporting. */
import { digest } from '../model/hash.ts';
import { requiresOf } from './analysis.ts';
import { canonical, contentDigest } from './canonical.ts';
import { compileCondition } from './compile.ts';
import type { Condition } from './condition.ts';
import { type DetectionScope, parseMatcher } from './detection.ts';
import { parseExceptions } from './exceptions.ts';
import type { Macros } from './expression.ts';
import { type Library, readLists, readMacros } from './library.ts';
import { lintMetadata, lintTests } from './lint.ts';
import { lintRule } from './lint-rule.ts';
import { toMatcher } from './matcher.ts';
import { checkMessage } from './message.ts';
import { parseTests } from './parse-tests.ts';
import type { Branch, Level, Rule } from './rule.ts';
import type { RuleTest } from './rule-test.ts';
import { branchSchema, metadataSchema } from './schema.ts';
import { parseCount, parseFirstSeen, parseSequence } from './sequence.ts';
import { parseShape } from './shape.ts';
import { isRecord, type Path, type YamlDocument } from './yaml.ts';

export interface ParsedRule {
  readonly rule: Rule;
  /** False: not to be run. */
  readonly enabled: boolean;
  readonly tests: readonly RuleTest[];
}

const BRANCHES_MAX = 100;

/** `withTests` false: its tests are left out already, and none are missed. */
export function parseRule(
  { value, problems, proven, digest: known }: YamlDocument,
  library: Library,
  withTests: boolean,
): ParsedRule | null {
  if (!isRecord(value)) {
    problems.add('not-a-rule', [], 'a rule is a map with title, level, logsource and detection');
    return null;
  }
  const forms = ['detection', 'any', 'sequence'].filter(key => value[key] !== undefined);
  if (forms.length !== 1) {
    if (forms.length === 0)
      problems.add('not-a-rule', [], 'neither detection, any nor sequence says what the rule looks for');
    else problems.add('bad-shape', [forms[1] as string], `${forms.join(' and ')} exclude each other`, '', 'key');
    return null;
  }
  const metadata = parseShape(metadataSchema, value, [], problems);
  const taxonomy = value.taxonomy ?? 'sigma';
  if (taxonomy !== 'sigma' && taxonomy !== 'spoor') {
    problems.add(
      'unknown-taxonomy',
      ['taxonomy'],
      `unknown taxonomy ${String(taxonomy)}`,
      'spoor for the field catalogue, or none for Sigma names',
    );
    return null;
  }
  const native = taxonomy === 'spoor';

  const ownLists = new Map<string, readonly string[]>();
  readLists(value.lists, problems, ownLists, () => false);
  const lists = new Map([...library.lists, ...ownLists]);
  const listsUsed = new Set<string>();
  const ownMacros = new Map<string, { readonly condition: Condition | null }>();
  readMacros(value.macros, { problems, native, lists, listsUsed, proven }, ownMacros, () => false);
  const macrosUsed = new Set<string>();
  const macros: Macros = {
    find(name) {
      const found = ownMacros.get(name) ?? library.find(name);
      if (found !== null) macrosUsed.add(name);
      return found;
    },
    names: () => [...ownMacros.keys(), ...library.names()],
  };
  const scope: DetectionScope = { problems, native, lists, listsUsed, macros, proven };

  const branches: Branch[] = [];
  const conditions: Condition[][] = [];
  const addBranch = (id: string, logsource: unknown, logsourcePath: Path, detection: unknown, path: Path): void => {
    const condition = parseMatcher(logsource, logsourcePath, detection, path, scope);
    const matcher = condition === null ? null : toMatcher(condition, path, problems);
    if (condition === null || matcher === null) return;
    branches.push({ ...matcher, id });
    conditions.push([condition]);
  };
  if (value.detection !== undefined) addBranch('', value.logsource, ['logsource'], value.detection, ['detection']);
  if (value.any !== undefined) parseAny(value, addBranch, problems);
  const sequence = value.sequence === undefined ? null : parseSequence(value.sequence, value.logsource, scope);
  if (sequence !== null) conditions.push([...sequence.conditions]);
  const count = value.count == null ? null : parseCount(value.count, scope);
  const firstSeen = value.first_seen == null ? null : parseFirstSeen(value.first_seen, scope);
  for (const key of ['count', 'first_seen']) {
    if (value[key] != null && value.sequence !== undefined)
      problems.add(
        'bad-count',
        [key],
        `${key} counts matches of one event, which a sequence has not`,
        'use runs or count on a step',
        'key',
      );
  }
  if (value.count != null && value.first_seen != null)
    problems.add('bad-count', ['first_seen'], 'count and first_seen exclude each other', '', 'key');
  const excepted = parseExceptions(value.exceptions, scope);
  if (metadata === null) return null;
  const steps = sequence?.spec.steps.map(step => step.id) ?? [];
  checkMessage(metadata.message, steps, native, problems);
  lintMetadata(value, problems, { ownLists, ownMacros, listsUsed, macrosUsed });
  if (withTests) lintTests(value, problems);
  const tests = withTests ? parseTests(value.tests, problems) : [];
  if (problems.errors() > 0) return null;

  const hash = digest(
    canonical([
      known ?? contentDigest(value),
      [...listsUsed].sort().map(name => library.listDigest(name)),
      [...macrosUsed].sort().map(name => library.macroDigest(name)),
    ]),
  );
  const { line } = problems.place([]);
  const rule: Rule = {
    id: metadata.id ?? hash,
    title: metadata.title,
    level: (metadata.level ?? 'medium') as Level,
    status: metadata.status,
    description: metadata.description,
    author: metadata.author,
    date: metadata.date,
    references: metadata.references,
    tags: metadata.tags.map(tag => tag.toLowerCase()),
    falsepositives: metadata.falsepositives,
    runbook: metadata.runbook,
    message: metadata.message,
    hash,
    file: problems.file,
    line,
    requires: requirements(metadata.requires, conditions),
    branches,
    sequence: sequence?.spec ?? null,
    count,
    firstSeen,
    ...(metadata.risk === undefined ? {} : { risk: metadata.risk }),
    excepted: excepted === null ? () => false : compileCondition(excepted),
  };
  if (withTests) lintRule(rule, value, tests, problems);
  return { rule, enabled: metadata.enabled, tests };
}

type AddBranch = (id: string, logsource: unknown, logsourcePath: Path, detection: unknown, path: Path) => void;

function parseAny(value: Readonly<Record<string, unknown>>, add: AddBranch, problems: YamlDocument['problems']): void {
  const list = value.any;
  if (!Array.isArray(list) || list.length === 0 || list.length > BRANCHES_MAX) {
    problems.add('bad-shape', ['any'], `any is a list of 1 to ${BRANCHES_MAX} branches {id, logsource, detection}`);
    return;
  }
  const ids = new Set<string>();
  for (const [i, raw] of list.entries()) {
    const path: Path = ['any', i];
    const branch = parseShape(branchSchema, raw, path, problems);
    if (branch === null) continue;
    if (ids.has(branch.id)) problems.add('duplicate-name', [...path, 'id'], `two branches are called ${branch.id}`);
    ids.add(branch.id);
    const own = branch.logsource !== undefined;
    add(
      branch.id,
      own ? branch.logsource : value.logsource,
      own ? [...path, 'logsource'] : ['logsource'],
      branch.detection,
      [...path, 'detection'],
    );
  }
}

/** Each alternative's needs; only what all alternatives need is needed by the rule. Those written come on top. */
function requirements(written: readonly string[], alternatives: readonly (readonly Condition[])[]): string[] {
  const each = alternatives.map(conditions => new Set(conditions.flatMap(condition => [...requiresOf(condition)])));
  const [first, ...rest] = each;
  const common = [...(first ?? [])].filter(setting => rest.every(other => other.has(setting)));
  return [...new Set([...written, ...common])].sort();
}
