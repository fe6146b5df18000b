/** Rule files → compiled rules, their tests and every problem with its place. A bad rule never stops a good one. */
import type { Diagnostic } from './diagnostics.ts';
import { Library } from './library.ts';
import { parseRule } from './parse-rule.ts';
import type { Rule } from './rule.ts';
import type { RuleTest } from './rule-test.ts';
import { isRecord, readYaml, type YamlDocument } from './yaml.ts';

export interface RuleFile {
  /** As it is named in diagnostics. */
  readonly file: string;
  readonly text: string;
}

export interface LoadedRules {
  /** In the order of the files. */
  readonly rules: readonly Rule[];
  readonly diagnostics: readonly Diagnostic[];
  /** By rule id. */
  readonly tests: ReadonlyMap<string, readonly RuleTest[]>;
}

export interface LoadOptions {
  /** False passes over the tests inside the rules: who only runs rules starts sooner, and no test's fault stops a rule. */
  readonly tests?: boolean;
}

/**
 * Loads every document of every file. A document with only `lists` or `macros` shares them with all rules of the load; every
 * other document is one rule. Never throws on what a file holds.
 */
export function loadRules(files: readonly RuleFile[], options: LoadOptions = {}): LoadedRules {
  const diagnostics: Diagnostic[] = [];
  const documents: YamlDocument[] = files.flatMap(file =>
    options.tests === false ? readWithoutTests(file, diagnostics) : readYaml(file.file, file.text, diagnostics),
  );
  const library = new Library();
  const shared = documents.filter(isLibrary);
  for (const document of shared) library.addLists(document);
  for (const document of shared) library.addMacros(document);
  const rules: Rule[] = [];
  const tests = new Map<string, readonly RuleTest[]>();
  const seen = new Map<string, Rule>();
  for (const document of documents) {
    if (isLibrary(document)) continue;
    const parsed = parseRule(document, library, options.tests !== false);
    if (parsed === null) continue;
    const other = seen.get(parsed.rule.id);
    if (other !== undefined) {
      document.problems.add(
        'duplicate-id',
        ['id'],
        `rule ${parsed.rule.id} exists already`,
        `${other.file}:${other.line} "${other.title}"`,
      );
      continue;
    }
    seen.set(parsed.rule.id, parsed.rule);
    rules.push(parsed.rule);
    tests.set(parsed.rule.id, parsed.tests);
  }
  return { rules, diagnostics, tests };
}

/** `tests:` at the top of a document, with the lines that belong to it. */
const TESTS = /^tests:[^\n]*\n(?:(?:[ \t#][^\n]*|- [^\n]*)?\n)*/gm;

/** Lines keep their numbers. A file that cannot be read without its tests is read whole. */
function readWithoutTests({ file, text }: RuleFile, diagnostics: Diagnostic[]): YamlDocument[] {
  const cut = text.replace(TESTS, tests => '\n'.repeat(tests.split('\n').length - 1));
  const before = diagnostics.length;
  const documents = readYaml(file, cut, diagnostics);
  if (diagnostics.length === before) return documents;
  diagnostics.length = before;
  return readYaml(file, text, diagnostics);
}

const LIBRARY_KEYS = new Set(['lists', 'macros', 'taxonomy', 'description']);

function isLibrary({ value }: YamlDocument): boolean {
  if (!isRecord(value)) return false;
  const keys = Object.keys(value);
  return (
    keys.length > 0 && keys.every(key => LIBRARY_KEYS.has(key)) && (keys.includes('lists') || keys.includes('macros'))
  );
}
