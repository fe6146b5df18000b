/** Rule files → compiled rules, their tests and every problem with its place. A bad rule never stops a good one. */
import { contentDigest } from './canonical.ts';
import { DIAGNOSTIC_CODES, type Diagnostic } from './diagnostics.ts';
import { isFalco } from './falco/collection.ts';
import { type FalcoLoaded, loadFalco } from './falco/rules.ts';
import type { ImportRow } from './import-report.ts';
import { Library } from './library.ts';
import { type ParsedRule, parseRule } from './parse-rule.ts';
import type { Rule } from './rule.ts';
import type { RuleTest } from './rule-test.ts';
import { loadSigma } from './sigma/collection.ts';
import { resolveActions, sigmaKind } from './sigma/document.ts';
import type { SigmaLoaded } from './sigma/native.ts';
import type { SigmaOutcome } from './sigma/outcome.ts';
import { type SkippedFile, skippedByText } from './sigma/skip.ts';
import { isRecord, type ReadDocument, readBefore, readYaml, type YamlDocument } from './yaml.ts';

export interface RuleFile {
  /** As it is named in diagnostics. */
  readonly file: string;
  readonly text: string;
  /** Why it cannot be read; its text is then ''. */
  readonly fault?: string;
  /** What its text was read to before, without the tests in its rules, when it then loaded without an error. */
  readonly documents?: readonly ReadDocument[];
}

export interface LoadedRules {
  /** Those that run, in the order of the files. */
  readonly rules: readonly Rule[];
  /** Native rules that say `enabled: false`. */
  readonly switchedOff: readonly Rule[];
  readonly diagnostics: readonly Diagnostic[];
  /** By rule id. */
  readonly tests: ReadonlyMap<string, readonly RuleTest[]>;
  /** What became of each Sigma document, in the order of the files. */
  readonly sigma: readonly SigmaOutcome[];
  /** The plain Sigma rules that run by themselves, with what a converter wants of them. */
  readonly sigmaLoaded: readonly SigmaLoaded[];
  /** What became of each Falco rule, and those that can run, also when switched off. */
  readonly falco: { readonly rows: readonly ImportRow[]; readonly loaded: readonly FalcoLoaded[] };
}

export interface LoadOptions {
  /** False passes over the tests inside the rules: who only runs rules starts sooner, and no test's fault stops a rule. */
  readonly tests?: boolean;
}

/**
 * Loads every document of every file. A document with only `lists` or `macros` shares them with all rules of the load; one in
 * Sigma's shape is a Sigma rule, filter or correlation; a list of Falco's maps is a Falco file, of which later ones override earlier
 * ones; every other document is one rule. Never throws on what a file holds.
 */
export function loadRules(files: readonly RuleFile[], options: LoadOptions = {}): LoadedRules {
  const diagnostics: Diagnostic[] = [];
  const skipped = new Map<string, SkippedFile>();
  const read: YamlDocument[] = files.flatMap(file => {
    if (file.fault !== undefined) {
      diagnostics.push(unreadable(file.file, file.fault));
      return [];
    }
    const skip = skippedByText(file.file, file.text);
    if (skip !== null) {
      skipped.set(file.file, skip);
      return [];
    }
    if (options.tests !== false) return readYaml(file.file, file.text, diagnostics);
    const read = (): YamlDocument[] => readWithoutTests(file, diagnostics);
    return file.documents === undefined ? read() : readBefore(file.file, file.documents, read);
  });
  const falcoTexts = new Map(files.map(({ file, text }) => [file, text]));
  const falco = loadFalco(
    read
      .filter(({ value }) => isFalco(value))
      .map(document => ({ document, text: falcoTexts.get(document.problems.file) ?? '' })),
  );
  const documents = resolveActions(read.filter(({ value }) => !isFalco(value)));
  const library = new Library();
  const shared = documents.filter(isLibrary);
  for (const document of shared) library.addLists(document);
  for (const document of shared) library.addMacros(document);

  const native = new Map<YamlDocument, ParsedRule>();
  const nativeById = new Map<string, Rule>();
  for (const document of documents) {
    if (isLibrary(document) || sigmaKind(document.value) !== null) continue;
    const parsed = parseRule(document, library, options.tests !== false);
    if (parsed === null) continue;
    native.set(document, parsed);
    if (!nativeById.has(parsed.rule.id)) nativeById.set(parsed.rule.id, parsed.rule);
  }
  const sigma = loadSigma(documents, library, nativeById, [...skipped.values()]);
  const sigmaRules = new Map(sigma.rules.map(({ document, rule }) => [document, rule]));

  const rules: Rule[] = [];
  const switchedOff: Rule[] = [];
  const tests = new Map<string, readonly RuleTest[]>();
  const seen = new Map<string, Rule>();
  for (const document of documents) {
    const parsed = native.get(document);
    const rule = parsed?.rule ?? sigmaRules.get(document);
    if (rule === undefined) continue;
    const other = seen.get(rule.id);
    if (other !== undefined) {
      const where = `${other.file}:${other.line} "${other.title}"`;
      document.problems.add('duplicate-id', ['id'], `rule ${rule.id} exists already`, where);
      continue;
    }
    seen.set(rule.id, rule);
    (parsed?.enabled === false ? switchedOff : rules).push(rule);
    tests.set(rule.id, parsed?.tests ?? []);
  }
  for (const rule of falco.rules) {
    if (seen.has(rule.id)) continue;
    seen.set(rule.id, rule);
    rules.push(rule);
    tests.set(rule.id, []);
  }
  const outcomes = new Map<string, SigmaOutcome[]>();
  for (const outcome of sigma.outcomes) {
    const known = outcomes.get(outcome.file);
    if (known === undefined) outcomes.set(outcome.file, [outcome]);
    else known.push(outcome);
  }
  const inOrder = files.flatMap(({ file }) => skipped.get(file)?.outcome ?? outcomes.get(file) ?? []);
  return { rules, switchedOff, diagnostics, tests, sigma: inOrder, sigmaLoaded: sigma.loaded, falco };
}

/**
 * What a later load without tests may take as read: the documents of each file that loads without an error among `files`, by the
 * file's text. Falco's files are left out, as places inside their text are needed.
 */
export function readAhead(files: readonly RuleFile[]): Map<string, readonly ReadDocument[]> {
  const { diagnostics } = loadRules(files, { tests: false });
  const faulty = new Set(diagnostics.filter(({ severity }) => severity === 'error').map(({ file }) => file));
  const ahead = new Map<string, readonly ReadDocument[]>();
  for (const file of files) {
    if (faulty.has(file.file) || skippedByText(file.file, file.text) !== null) continue;
    const documents = readWithoutTests(file, []);
    if (documents.some(({ value }) => isFalco(value))) continue;
    ahead.set(
      file.text,
      documents.map(({ value, problems }) => ({ value, digest: contentDigest(value), ...problems.place([]) })),
    );
  }
  return ahead;
}

const unreadable = (file: string, message: string): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  code: 'unreadable-file',
  severity: DIAGNOSTIC_CODES['unreadable-file'],
  message,
  hint: '',
});

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
