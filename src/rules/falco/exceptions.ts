/** `exceptions` of a Falco rule → one condition that suppresses it. */
import type { Problems } from '../yaml.ts';
import { DefinitionError, type FalcoException } from './collection.ts';
import { compileTest, type Lists } from './comparison.ts';
import type { Operator, Value } from './expression.ts';
import { allOf, anyOf, type Result } from './result.ts';
import type { Source } from './source.ts';

const OPERATORS: ReadonlySet<string> = new Set([
  ...['=', '==', '!=', '<', '<=', '>', '>=', 'contains', 'icontains', 'bcontains', 'startswith', 'bstartswith'],
  ...['endswith', 'glob', 'iglob', 'in', 'intersects', 'pmatch', 'regex'],
]);
const ROWS_MAX = 10_000;

/** Null when nothing is excepted; throws DefinitionError. */
export function compileExceptions(
  exceptions: readonly FalcoException[],
  problems: Problems,
  lists: Lists,
): Result | null {
  const rows = exceptions.flatMap(exception => rowsOf(exception, problems, lists));
  return rows.length === 0 ? null : anyOf(rows);
}

function rowsOf(exception: FalcoException, problems: Problems, lists: Lists): Result[] {
  const { fields, comps, values, path } = exception;
  const place = { file: problems.file, ...problems.place(path) };
  const source: Source = { text: '', place: () => place };
  if (values.length > ROWS_MAX)
    throw new DefinitionError(`exception ${exception.name} has more than ${ROWS_MAX} rows`, place);
  return values.map(row => {
    if (row.length !== fields.length)
      throw new DefinitionError(
        `exception ${exception.name} has a row of ${row.length} values for ${fields.length} fields`,
        place,
      );
    return allOf(
      fields.map((field, i) => {
        const comp = comps[i] ?? '=';
        if (!OPERATORS.has(comp))
          throw new DefinitionError(`exception ${exception.name}: unknown comparison ${comp}`, place);
        const cell = row[i] ?? '';
        const texts = typeof cell === 'string' ? [cell] : cell;
        const many = comp === 'in' || comp === 'intersects' || comp === 'pmatch';
        const operator = (comp === '==' ? '=' : comp) as Operator;
        const one = (all: readonly string[]): Result =>
          compileTest({ type: 'test', field, operator, at: 0, values: all.map(asValue) }, source, lists);
        return many || texts.length === 1 ? one(texts) : anyOf(texts.map(text => one([text])));
      }),
    );
  });
}

const asValue = (text: string): Value => {
  const inner = /^(["'])(.*)\1$/s.exec(text)?.[2];
  return { text: inner ?? text, at: 0, quoted: inner !== undefined, field: false };
};
