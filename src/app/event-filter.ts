/** Filters of the joined stream: `field|modifier=value`, in the language of rules, joined by and. */
import type { CompiledFilters, FilterProblem } from '../api/events-port.ts';
import { toMatcher } from '../rules/matcher.ts';
import { parseSelection } from '../rules/selection.ts';
import type { Problems } from '../rules/yaml.ts';

/** `field|modifier`, `=` or `!=`, and the value, which may hold anything. */
const FILTER = /^([^=!\s]+?)\s*(!?=)\s*([\s\S]*)$/;
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

interface Parsed {
  readonly key: string;
  readonly values: (string | boolean | null)[];
  /** Of the first filter with this key. */
  readonly at: number;
}

/** Filters with the same field and modifiers are alternatives, as a list in a rule is. `not (a or b)` for `!=`. */
export function compileFilters(filters: readonly string[]): CompiledFilters {
  const problems: FilterProblem[] = [];
  const parsed = new Map<string, Parsed>();
  for (const [at, text] of filters.entries()) {
    const [, name, operator, value] = FILTER.exec(text.trim()) ?? [];
    if (name === undefined || operator === undefined || value === undefined) {
      problems.push({
        at,
        message: 'expected field=value or field|modifier=value, such as process.binary|endswith=/nc',
      });
      continue;
    }
    const key = operator === '!=' ? `${name}|neq` : name;
    const entry: Parsed = parsed.get(key) ?? { key, values: [], at };
    parsed.set(key, entry);
    const word = WORDS[value];
    // Only what asks whether there is something takes words; elsewhere they are text.
    entry.values.push(word !== undefined && (word === null || name.endsWith('|exists')) ? word : value);
  }
  const conditions = [...parsed.values()].map(({ key, values, at }) => {
    const collected = collector(problems, at);
    const value = values.length === 1 ? values[0] : values;
    const scope = { problems: collected, native: true, lists: new Map(), listsUsed: new Set<string>() };
    return parseSelection({ [key]: value }, [], scope);
  });
  if (problems.length > 0) return { problems };
  const of = conditions.filter(condition => condition !== null);
  if (of.length === 0) return { kinds: null, test: () => true };
  const matcher = toMatcher({ type: 'and', of }, [], collector(problems, 0));
  return matcher === null ? { problems } : { kinds: matcher.kinds, test: matcher.test };
}

/** Every problem is the filter's as a whole: it is one short text. */
function collector(problems: FilterProblem[], at: number): Problems {
  let errors = 0;
  const tell = (message: string, hint = ''): void => {
    errors++;
    problems.push({ at, message: hint === '' ? message : `${message}: ${hint}` });
  };
  const collected = {
    file: 'filter',
    add: (_code: string, _path: unknown, message: string, hint?: string) => tell(message, hint),
    addAt: (_code: string, _place: unknown, message: string, hint?: string) => tell(message, hint),
    place: () => ({ line: 1, column: 1 }),
    errors: () => errors,
  };
  return collected;
}
