/** Correlations with what they refer to: chains, aliases and groups become one tree whose leaves are rules. */
import { findField, nearestField } from '../catalogue/catalogue.ts';
import { sigmaField } from '../catalogue/sigma.ts';
import type { Condition } from '../condition.ts';
import { parseExpression } from '../expression.ts';
import type { CorrelationInput, Rule, SigmaCorrelation } from '../rule.ts';
import type { YamlDocument } from '../yaml.ts';
import type { ParsedCorrelation } from './correlation.ts';

/** What a name stands for, with its Sigma document where it has one. */
export type Referred =
  | { readonly type: 'rule'; readonly rule: Rule; readonly names: readonly string[]; readonly document?: YamlDocument }
  | {
      readonly type: 'correlation';
      readonly correlation: ParsedCorrelation;
      readonly names: readonly string[];
      readonly document: YamlDocument;
    }
  /** Its rule exists and does not run here. */
  | {
      readonly type: 'none';
      readonly status: 'unsupported' | 'skipped' | 'broken';
      readonly reason: string;
      readonly document?: never;
    };

export type Lookup = (name: string) => Referred | null;

/** Why a correlation does not run, with the key of `correlation` that says so. */
export class Unresolved extends Error {
  readonly key: string;
  readonly status: 'unsupported' | 'skipped' | 'broken';
  constructor(key: string, message: string, status: 'unsupported' | 'skipped' | 'broken' = 'broken') {
    super(message);
    this.key = key;
    this.status = status;
  }
}

const CHAIN_MAX = 8;
/** Chains that name each other twice would double at every step. */
const LEAVES_MAX = 256;
const ORDERED_PARTLY_MAX = 12;

/** One correlation on the way down to a leaf, with the names by which its next step is known. */
interface Step {
  readonly correlation: ParsedCorrelation;
  readonly names: readonly string[];
}

/** The tree of a correlation. Throws `Unresolved`. */
export function resolveCorrelation(top: ParsedCorrelation, lookup: Lookup): SigmaCorrelation {
  let leaves = 0;
  const build = (correlation: ParsedCorrelation, above: readonly Step[]): SigmaCorrelation => {
    if (above.some(step => step.correlation === correlation))
      throw new Unresolved('rules', `${correlation.metadata.title} refers to itself`);
    if (above.length >= CHAIN_MAX) throw new Unresolved('rules', `a chain of more than ${CHAIN_MAX} correlations`);
    const isTemporal = correlation.type === 'temporal' || correlation.type === 'temporal_ordered';
    const inputs = correlation.rules.map((name): CorrelationInput => {
      const referred = lookup(name);
      if (referred === null) throw new Unresolved('rules', `no rule has the id or name ${name}`);
      if (referred.type === 'none') throw new Unresolved('rules', `rule ${name}: ${referred.reason}`, referred.status);
      const path = [...above, { correlation, names: [name, ...referred.names] }];
      const values = correlation.fields.map(field => fieldOf(field, path.slice(above.length), 'condition'));
      if (referred.type === 'correlation')
        return { name, values, of: { type: 'correlation', correlation: build(referred.correlation, path) } };
      if (++leaves > LEAVES_MAX) throw new Unresolved('rules', `more than ${LEAVES_MAX} rules in a chain`);
      const grouping = path.findIndex(step => step.correlation.groupBy.length > 0);
      const groupBy = path[grouping]?.correlation.groupBy ?? [];
      const key = groupBy.map(field => fieldOf(field, path.slice(grouping), 'group-by'));
      for (const [i, field] of [...key, ...values].entries()) assertCarried(field, referred.rule, i < key.length);
      return { name, values, of: { type: 'rule', rule: referred.rule, key } };
    });
    const { type, timespan, percentile, bounds } = correlation;
    const grouped = [...above, { correlation }].some(step => step.correlation.groupBy.length > 0);
    const expression = correlation.expression === '' ? null : expressionOf(correlation);
    const common = { type, timespan, percentile, grouped, inputs };
    if (type === 'temporal_ordered' && expression !== null) {
      if (!isConjunction(expression, inputs.length))
        throw new Unresolved('condition', 'temporal_ordered takes all of its rules, joined by and', 'unsupported');
      return { ...common, expression: null, bounds: [{ comparison: 'gte', value: inputs.length }] };
    }
    if (type === 'temporal_ordered' && !isWhole(bounds, inputs.length) && inputs.length > ORDERED_PARTLY_MAX)
      throw new Unresolved('condition', `a part of more than ${ORDERED_PARTLY_MAX} rules in order`, 'unsupported');
    if (isTemporal && new Set(inputs.map(input => input.name)).size < inputs.length && type === 'temporal')
      throw new Unresolved('rules', 'temporal names a rule twice');
    return { ...common, expression, bounds };
  };
  return build(top, []);
}

const isWhole = (bounds: SigmaCorrelation['bounds'], rules: number): boolean =>
  bounds.length === 1 && bounds[0]?.comparison === 'gte' && bounds[0].value === rules;

/** The catalogue field of a name, through the aliases from the outermost correlation inwards. */
function fieldOf(name: string, path: readonly Step[], key: string): string {
  let at = name;
  for (const [i, { correlation }] of path.entries()) {
    const alias = correlation.aliases.get(at);
    if (alias === undefined) continue;
    const known = path.slice(i).flatMap(step => step.names);
    const mapped = known.map(each => alias.get(each)).find(field => field !== undefined);
    if (mapped === undefined)
      throw new Unresolved('aliases', `alias ${at} says nothing of rule ${path.at(-1)?.names[0] ?? ''}`);
    at = mapped;
  }
  const field = findField(sigmaField(at) ?? at);
  if (field !== null) return field.name;
  const near = nearestField(at);
  const hint = near === null ? '' : `, did you mean ${near}?`;
  throw new Unresolved(key, `unknown field ${at}${hint}`, 'unsupported');
}

function assertCarried(name: string, rule: Rule, isKey: boolean): void {
  const kinds = findField(name)?.kinds ?? [];
  if (rule.branches.some(branch => branch.kinds.some(kind => kinds.includes(kind)))) return;
  const what = `events of rule "${rule.title}" never carry ${name}`;
  throw new Unresolved(isKey ? 'group-by' : 'condition', what, 'unsupported');
}

/** `a and (b or not c)` over the names of rules. */
function expressionOf({ expression, rules }: ParsedCorrelation): (present: readonly boolean[]) => boolean {
  const leaves = rules.map((name): Condition => ({ type: 'kind', kinds: [name] }));
  const selections = new Map(rules.map((name, i) => [name, leaves[i] as Condition]));
  const macros = { find: () => null, names: () => [] };
  const parsed = parseExpression(expression, { selections, macros });
  if (parsed.condition === null) throw new Unresolved('condition', parsed.problem?.message ?? 'not a condition');
  const compile = (node: Condition): ((present: readonly boolean[]) => boolean) => {
    const leaf = leaves.indexOf(node);
    if (leaf >= 0) return present => present[leaf] === true;
    switch (node.type) {
      case 'not': {
        const of = compile(node.of);
        return present => !of(present);
      }
      case 'and': {
        const of = node.of.map(compile);
        return present => of.every(test => test(present));
      }
      case 'or': {
        const of = node.of.map(compile);
        return present => of.some(test => test(present));
      }
      case 'some': {
        const { n } = node;
        const of = node.of.map(compile);
        return present => of.filter(test => test(present)).length >= n;
      }
      default:
        return () => false;
    }
  };
  return compile(parsed.condition);
}

function isConjunction(test: (present: readonly boolean[]) => boolean, rules: number): boolean {
  const all = Array<boolean>(rules).fill(true);
  return test(all) && all.every((_, i) => !test(all.with(i, false)));
}
