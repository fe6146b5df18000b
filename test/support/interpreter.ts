/** The reference for the rule compiler: the meaning of a condition tree, said as plainly as possible and without any speed. */
import type { Observation } from '../../src/model/observation.ts';
import { ancestorsOf, baseName, type Process } from '../../src/model/process.ts';
import type { Field } from '../../src/rules/catalogue/field.ts';
import type { Comparison, Condition, Pattern } from '../../src/rules/condition.ts';
import { KEYWORD_FIELDS } from '../../src/rules/keywords.ts';

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function matches(pattern: Pattern, text: string): boolean {
  switch (pattern.type) {
    case 'equals':
      return text === pattern.text;
    case 'contains':
      return text.indexOf(pattern.text) >= 0;
    case 'startswith':
      return text.slice(0, pattern.text.length) === pattern.text;
    case 'endswith':
      return pattern.text.length <= text.length && text.slice(text.length - pattern.text.length) === pattern.text;
    case 'glob': {
      const pieces = pattern.pieces.map(piece => piece.map(part => (part === null ? '.' : escaped(part))).join(''));
      return new RegExp(`^${pieces.join('.*')}$`, 's').test(text);
    }
  }
}

function bits(ip: string): string {
  return ip
    .split('.')
    .map(byte => Number(byte).toString(2).padStart(8, '0'))
    .join('');
}

function inNetwork(ip: string, network: string): boolean {
  const [base = '', prefix = '32'] = network.split('/');
  return /^\d+\.\d+\.\d+\.\d+$/.test(ip) && bits(ip).slice(0, Number(prefix)) === bits(base).slice(0, Number(prefix));
}

const compares = (op: Comparison, a: number, b: number): boolean =>
  ({ eq: a === b, gt: a > b, gte: a >= b, lt: a < b, lte: a <= b })[op];

export function interpret(c: Condition, o: Observation, subject: Process | null = o.process): boolean {
  const texts = (field: Field): string[] => {
    const value = field.get(o, subject);
    return value === null || value === '' ? [] : typeof value === 'object' ? [...value] : [String(value)];
  };
  const fold = (text: string, cased: boolean): string => (cased ? text : text.toLowerCase());
  const quantified = <T>(all: boolean, items: readonly T[], holds: (item: T) => boolean): boolean =>
    all ? items.every(holds) : items.some(holds);
  const present = (field: Field, negated: boolean, holds: boolean): boolean =>
    texts(field).length > 0 && holds !== negated;
  switch (c.type) {
    case 'and':
      return c.of.every(child => interpret(child, o, subject));
    case 'or':
      return c.of.some(child => interpret(child, o, subject));
    case 'not':
      return !interpret(c.of, o, subject);
    case 'some':
      return c.of.filter(child => interpret(child, o, subject)).length >= c.n;
    case 'ancestor':
      return subject !== null && ancestorsOf(subject).some(ancestor => interpret(c.of, o, ancestor));
    case 'kind':
      return c.kinds.includes(o.event.kind);
    case 'category':
      return c.category.kinds.includes(o.event.kind) && (c.category.guard?.(o) ?? true);
    case 'exists':
      return texts(c.field).length > 0 === c.value;
    case 'boolean':
      return present(c.field, c.negated, c.field.get(o, subject) === c.value);
    case 'keywords':
      return quantified(c.quantifier === 'all', c.patterns, p =>
        KEYWORD_FIELDS.some(field => texts(field).some(text => matches(p, fold(text, c.cased)))),
      );
    case 'text': {
      const own = texts(c.field).map(text => fold(c.baseName ? baseName(text) : text, c.cased));
      return present(
        c.field,
        c.negated,
        quantified(c.quantifier === 'all', c.patterns, p => own.some(text => matches(p, text))),
      );
    }
    case 'regex': {
      const own = texts(c.field).map(text => (c.baseName ? baseName(text) : text));
      const hit = (source: string): boolean => own.some(text => new RegExp(source, c.flags).test(text));
      return present(c.field, c.negated, quantified(c.quantifier === 'all', c.sources, hit));
    }
    case 'number': {
      const [n] = texts(c.field).map(Number);
      return (
        n !== undefined &&
        !Number.isNaN(n) &&
        quantified(c.quantifier === 'all', c.values, v => compares(c.comparison, n, v)) !== c.negated
      );
    }
    case 'cidr': {
      const inside = (network: string): boolean => texts(c.field).some(ip => inNetwork(ip, network));
      return present(c.field, c.negated, quantified(c.quantifier === 'all', c.networks, inside));
    }
    case 'fieldref': {
      const type = c.match;
      const own = texts(c.field).map(text => fold(text, c.cased));
      const hit = (field: Field): boolean =>
        texts(field).some(other => own.some(text => matches({ type, text: fold(other, c.cased) }, text)));
      const known = c.others.some(other => texts(other).length > 0);
      return known && present(c.field, c.negated, quantified(c.quantifier === 'all', c.others, hit));
    }
  }
}
