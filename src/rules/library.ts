/** Lists and macros: shared ones of a load, and those of one rule on top of them. */
import { digest } from '../model/hash.ts';
import { canonical } from './canonical.ts';
import type { Condition } from './condition.ts';
import type { Macros } from './expression.ts';
import type { SelectionScope } from './scope.ts';
import { parseSelection } from './selection.ts';
import { isRecord, type Path, type Problems, type YamlDocument } from './yaml.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

interface Macro {
  readonly condition: Condition | null;
}

/** Reads `lists:` of a document into `into`. */
export function readLists(
  value: unknown,
  problems: Problems,
  into: Map<string, readonly string[]>,
  taken: (name: string) => boolean,
): void {
  if (value === undefined) return;
  const path: Path = ['lists'];
  if (!isRecord(value)) {
    problems.add('bad-shape', path, 'lists is a map from names to lists of values');
    return;
  }
  for (const [name, items] of Object.entries(value)) {
    const at = [...path, name];
    if (!NAME.test(name))
      problems.add('bad-shape', at, `a list's name is a word, not ${JSON.stringify(name)}`, '', 'key');
    else if (taken(name)) problems.add('duplicate-name', at, `two shared lists are called ${name}`, '', 'key');
    else if (
      !Array.isArray(items) ||
      items.length === 0 ||
      !items.every(item => typeof item === 'string' || typeof item === 'number')
    ) {
      problems.add('bad-shape', at, `list ${name} needs at least one value, each text or a number`);
    } else into.set(name, items.map(String));
  }
}

/** Reads `macros:` of a document into `into`; a broken one stays there as null, so that its users are not reported as well. */
export function readMacros(
  value: unknown,
  scope: SelectionScope,
  into: Map<string, Macro>,
  taken: (name: string) => boolean,
): void {
  if (value === undefined) return;
  const { problems } = scope;
  const path: Path = ['macros'];
  if (!isRecord(value)) {
    problems.add('bad-shape', path, 'macros is a map from names to selections');
    return;
  }
  for (const [name, selection] of Object.entries(value)) {
    const at = [...path, name];
    if (!NAME.test(name))
      problems.add('bad-shape', at, `a macro's name is a word, not ${JSON.stringify(name)}`, '', 'key');
    else if (taken(name)) problems.add('duplicate-name', at, `two shared macros are called ${name}`, '', 'key');
    else into.set(name, { condition: parseSelection(selection, at, scope) });
  }
}

/** What all rules of one load share. */
export class Library implements Macros {
  readonly lists = new Map<string, readonly string[]>();
  readonly #macros = new Map<string, Macro>();
  /** Of a macro's content and that of the lists it uses: part of the identity of the rules that use it. */
  readonly #macroDigests = new Map<string, string>();
  readonly #listDigests = new Map<string, string>();

  addLists(document: YamlDocument): void {
    if (isRecord(document.value))
      readLists(document.value.lists, document.problems, this.lists, name => this.lists.has(name));
  }

  addMacros({ value, problems, proven }: YamlDocument): void {
    if (!isRecord(value)) return;
    const listsUsed = new Set<string>();
    const before = new Set(this.#macros.keys());
    const scope = { problems, native: value.taxonomy !== 'sigma', lists: this.lists, listsUsed, proven };
    readMacros(value.macros, scope, this.#macros, name => before.has(name));
    if (!isRecord(value.macros)) return;
    const used = [...listsUsed].map(name => [name, this.listDigest(name)]);
    for (const [name, source] of Object.entries(value.macros))
      if (!before.has(name)) this.#macroDigests.set(name, digest(canonical([source, used])));
  }

  find(name: string): Macro | null {
    return this.#macros.get(name) ?? null;
  }

  names(): Iterable<string> {
    return this.#macros.keys();
  }

  /** Undefined when there is no such macro among the shared. */
  macroDigest(name: string): string | undefined {
    return this.#macroDigests.get(name);
  }

  /** Undefined when there is no such list among the shared. */
  listDigest(name: string): string | undefined {
    const items = this.lists.get(name);
    let known = this.#listDigests.get(name);
    if (known === undefined && items !== undefined) {
      known = digest(canonical(items));
      this.#listDigests.set(name, known);
    }
    return known;
  }
}
