/** What is odd about how a `condition:` joins its selections, whatever they ask. */
import type { Condition } from './condition.ts';
import { type Macros, parseExpression } from './expression.ts';
import { isRecord, type Path, type Problems } from './yaml.ts';

/** Truth tables double with every selection. */
const SELECTIONS_MAX = 10;
/** Each part of an `or` is compared with every other. */
const PARTS_MAX = 50;
/** Names by which authors mean what is to be left out. */
const FILTER_NAME =
  /^_?(filter|exclu(de|sion)|except(ion)?|allow(ed|list)?|ignore[d]?|white_?list|known_good|benign)(_|\d|$)/i;

export function lintCondition(detection: unknown, path: Path, problems: Problems): void {
  if (!isRecord(detection)) return;
  const names = Object.keys(detection).filter(name => name !== 'condition' && name !== 'timeframe');
  const written = Array.isArray(detection.condition) ? detection.condition : [detection.condition];
  const marks = new Marks(detection);
  const parsed = written.map((text, i) => {
    const at: Path = Array.isArray(detection.condition) ? [...path, 'condition', i] : [...path, 'condition'];
    const selections = new Map(names.map(name => [name, marks.of(name)]));
    return {
      at,
      condition: typeof text === 'string' ? parseExpression(text, { selections, macros: marks }).condition : null,
    };
  });
  for (const { at, condition } of parsed) {
    if (condition === null) continue;
    for (const name of positives(condition, true))
      if (FILTER_NAME.test(name))
        problems.add(
          'positive-filter',
          at,
          `${name} must match for the rule to fire, though its name says that it is left out`,
          `write not ${name}, or give it another name`,
        );
    lintTruth(condition, at, marks, problems);
  }
}

/** Selections as bare names; those that ask the same are one. */
class Marks implements Macros {
  readonly #detection: Readonly<Record<string, unknown>>;
  readonly #byText = new Map<string, Condition>();

  constructor(detection: Readonly<Record<string, unknown>>) {
    this.#detection = detection;
  }

  of(name: string): Condition {
    const own = Object.hasOwn(this.#detection, name);
    // A name that says "filter" is looked at by name; what it asks may be asked by others too.
    const text = own && !FILTER_NAME.test(name) ? JSON.stringify(this.#detection[name]) : `macro ${name}`;
    const known = this.#byText.get(text) ?? { type: 'kind', kinds: [name] };
    this.#byText.set(text, known);
    return known;
  }

  find(name: string): { readonly condition: Condition } {
    return { condition: this.of(name) };
  }

  names(): string[] {
    return [];
  }

  all(): Condition[] {
    return [...this.#byText.values()];
  }
}

/** Names that stand where more matches mean more alerts. */
function positives(condition: Condition, positive: boolean): string[] {
  switch (condition.type) {
    case 'not':
      return positives(condition.of, !positive);
    case 'and':
    case 'or':
    case 'some':
      return condition.of.flatMap(child => positives(child, positive));
    case 'kind':
      return positive ? [...condition.kinds] : [];
    default:
      return [];
  }
}

function lintTruth(condition: Condition, at: Path, marks: Marks, problems: Problems): void {
  const names = marks.all();
  if (names.length > SELECTIONS_MAX) return;
  const table = truthTable(condition, names);
  if (table.every(row => row)) {
    problems.add('always-true', at, 'the condition holds whatever the selections say');
    return;
  }
  if (table.every(row => !row)) {
    problems.add('always-false', at, 'the condition can never hold, whatever the selections say');
    return;
  }
  if (condition.type !== 'or' || condition.of.length > PARTS_MAX) return;
  const tables = condition.of.map(child => truthTable(child, names));
  for (const [i, own] of tables.entries()) {
    // Of two that are the same the later one is told of.
    const others = tables.filter((_, j) => j !== i);
    const adds = own.some((row, r) => row && !others.some(other => other[r]));
    const earlier = tables.slice(0, i).some(other => own.every((row, r) => !row || other[r]));
    const never = own.every(row => !row);
    const covered = !adds && (earlier || never || !tables.some(other => other !== own && same(other, own)));
    if (!covered) continue;
    problems.add(
      'unreachable-branch',
      at,
      `part ${i + 1} of the or ${never ? 'can never hold' : 'adds nothing: whenever it holds, another part does'}`,
      'remove it',
    );
    return;
  }
}

const same = (a: readonly boolean[], b: readonly boolean[]): boolean => a.every((row, i) => row === b[i]);

function truthTable(condition: Condition, names: readonly Condition[]): boolean[] {
  return Array.from({ length: 2 ** names.length }, (_, row) => holds(condition, names, row));
}

function holds(condition: Condition, names: readonly Condition[], row: number): boolean {
  switch (condition.type) {
    case 'and':
      return condition.of.every(child => holds(child, names, row));
    case 'or':
      return condition.of.some(child => holds(child, names, row));
    case 'not':
      return !holds(condition.of, names, row);
    case 'some':
      return condition.of.filter(child => holds(child, names, row)).length >= condition.n;
    default:
      return ((row >> names.indexOf(condition)) & 1) === 1;
  }
}
