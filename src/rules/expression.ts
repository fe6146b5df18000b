/** `condition:` text → a condition over named selections. */

import type { Condition } from './condition.ts';
import { didYouMean } from './names.ts';
import { toPattern } from './patterns.ts';
import { textMatcher } from './text-matcher.ts';

const CHARS_MAX = 10_000;
const NESTING_MAX = 64;
/** Selections that one expression may join, `of` patterns counted by what they match. */
const OPERANDS_MAX = 5_000;

/** Selections shared by name. */
export interface Macros {
  /** Null when there is none of that name; the condition is null when it is broken (and was reported where it stands). */
  find(name: string): { readonly condition: Condition | null } | null;
  names(): Iterable<string>;
}

/** What an expression may name. */
export interface Names {
  readonly selections: ReadonlyMap<string, Condition | null>;
  readonly macros: Macros;
}

interface ExpressionProblem {
  readonly code: 'bad-condition' | 'undefined-selection';
  readonly message: string;
  readonly hint: string;
  /** Characters from the start of the expression. */
  readonly offset: number;
}

export interface ParsedExpression {
  /** Null when something in it was already reported as broken, or `problem` says what is wrong. */
  readonly condition: Condition | null;
  readonly problem: ExpressionProblem | null;
  readonly used: ReadonlySet<string>;
}

interface Token {
  readonly text: string;
  readonly offset: number;
}

class Failure extends Error {
  readonly problem: ExpressionProblem;
  constructor(problem: ExpressionProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Precedence: not, and, or; parentheses; `1 of x*`, `all of them`, `2 of (…)` by name pattern. */
export function parseExpression(text: string, names: Names): ParsedExpression {
  const used = new Set<string>();
  let broken = false;
  const fail = (
    message: string,
    offset: number,
    hint = '',
    code: ExpressionProblem['code'] = 'bad-condition',
  ): never => {
    throw new Failure({ code, message, hint, offset });
  };
  const tokens: Token[] = [];
  let at = 0;
  const peek = (): string => tokens[at]?.text.toLowerCase() ?? '';
  const offset = (): number => tokens[at]?.offset ?? text.length;

  let operands = 0;
  const resolve = (name: string, where: number): Condition => {
    if (++operands > OPERANDS_MAX) return fail(`joins more than ${OPERANDS_MAX} selections`, where);
    if (names.selections.has(name)) {
      used.add(name);
      const condition = names.selections.get(name) ?? null;
      if (condition === null) broken = true;
      return condition ?? { type: 'or', of: [] };
    }
    const macro = names.macros.find(name);
    if (macro !== null) {
      used.add(name);
      if (macro.condition !== null) return macro.condition;
      return fail(`macro ${name} has errors where it is defined`, where);
    }
    const hint = didYouMean(name, [...names.selections.keys(), ...names.macros.names()]);
    return fail(`no selection or macro is called ${name}`, where, hint, 'undefined-selection');
  };

  const quantified = (): Condition => {
    const count = peek();
    const where = offset();
    at += 2;
    const target = tokens[at++];
    if (target === undefined) return fail('`of` needs a name, a pattern like sel_*, or them', where);
    const pattern = toPattern(target.text, 'equals', true);
    const matches = textMatcher([pattern], 'any');
    const matching = [...names.selections.keys()].filter(name =>
      target.text.toLowerCase() === 'them' ? !name.startsWith('_') : matches(name),
    );
    if (matching.length === 0)
      return fail(`no selection matches ${target.text}`, target.offset, '', 'undefined-selection');
    const of = matching.map(name => resolve(name, target.offset));
    const n = count === 'all' ? of.length : count === 'any' ? 1 : Number(count);
    if (n < 1 || n > of.length) return fail(`${count} of ${of.length} selections can never be`, where);
    if (n === 1) return of.length === 1 ? (of[0] as Condition) : { type: 'or', of };
    return n === of.length ? { type: 'and', of } : { type: 'some', n, of };
  };

  const unary = (depth: number): Condition => {
    if (depth > NESTING_MAX) return fail(`nested deeper than ${NESTING_MAX}`, offset());
    const word = peek();
    const where = offset();
    if (word === '') return fail('the expression ends too early', where);
    if (word === 'not') {
      at++;
      return { type: 'not', of: unary(depth + 1) };
    }
    if (word === '(') {
      at++;
      const inner = disjunction(depth + 1);
      if (peek() !== ')') return fail('a parenthesis is not closed', where);
      at++;
      return inner;
    }
    if (tokens[at + 1]?.text.toLowerCase() === 'of' && /^(\d+|all|any)$/.test(word)) return quantified();
    if (word === ')' || word === 'and' || word === 'or' || word === 'of')
      return fail(`${word} is not expected here`, where);
    if (word === '|')
      return fail('aggregations after | are not part of a condition', where, 'use count: {gte, by, within}');
    const name = tokens[at++]?.text as string;
    return resolve(name, where);
  };

  const chain =
    (word: 'and' | 'or', next: (depth: number) => Condition) =>
    (depth: number): Condition => {
      const of = [next(depth)];
      while (peek() === word) {
        at++;
        of.push(next(depth));
      }
      return of.length === 1 ? (of[0] as Condition) : { type: word, of };
    };
  const conjunction = chain('and', unary);
  const disjunction = chain('or', conjunction);

  try {
    if (text.length > CHARS_MAX) fail(`an expression of ${text.length} characters`, 0, `at most ${CHARS_MAX}`);
    for (const m of text.matchAll(/[()|]|[^\s()|]+/g)) tokens.push({ text: m[0], offset: m.index });
    const condition = disjunction(0);
    if (at < tokens.length) fail(`${tokens[at]?.text} is not expected here`, offset());
    return { condition: broken ? null : condition, problem: null, used };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { condition: null, problem: error.problem, used };
  }
}
