/** The files that an editor's session knows: those that ship, those of its folders, and over both the text in its windows. */

import { TACTICS } from '../authoring/attack.ts';
import { type RuleTestOptions, type RuleTestResult, runRuleTests } from '../rule-tests/run.ts';
import type { Diagnostic } from '../rules/diagnostics.ts';
import { type LoadedRules, loadRules, type RuleFile } from '../rules/load.ts';
import { isFalcoText } from './falco.ts';
import { type Definition, type Symbols, symbolsOf } from './symbols.ts';

export interface Files {
  /** Shared lists and macros that ship. */
  readonly shipped: () => readonly RuleFile[];
  /** Rule files of a folder; [] when it cannot be read. */
  readonly folder: (path: string) => readonly RuleFile[];
  /** Tags of the rules that ship. */
  readonly tags: () => readonly string[];
  readonly tests: () => RuleTestOptions;
}

export interface Found extends Definition {
  readonly file: string;
}

/** Only such documents matter to other files. */
const SHARES = /^(lists|macros):/m;

export class Workspace {
  readonly #files: Files;
  readonly #folders: readonly string[];
  readonly #open = new Map<string, string>();
  #onDisk: readonly RuleFile[] = [];
  #shippedTags: readonly string[] | null = null;
  /** What was made of the texts as they stand, by file. */
  readonly #loaded = new Map<string, LoadedRules>();
  readonly #symbols = new Map<string, { readonly text: string; readonly symbols: Symbols }>();

  constructor(files: Files, folders: readonly string[]) {
    this.#files = files;
    this.#folders = folders;
    this.reload();
  }

  /** Reads the folders again. */
  reload(): void {
    this.#loaded.clear();
    this.#symbols.clear();
    const own = this.#folders.flatMap(folder => this.#files.folder(folder));
    const names = new Set(own.map(({ file }) => shortName(file)));
    this.#onDisk = [...this.#files.shipped().filter(({ file }) => !names.has(shortName(file))), ...own];
  }

  set(file: string, text: string): void {
    this.#open.set(file, text);
    this.#loaded.clear();
  }

  close(file: string): void {
    this.#open.delete(file);
    this.#loaded.clear();
  }

  textOf(file: string): string {
    return this.#open.get(file) ?? '';
  }

  diagnose(file: string): readonly Diagnostic[] {
    return this.#load(file).diagnostics.filter(diagnostic => diagnostic.file === file);
  }

  /** Runs the tests of the file's rules; of one rule, or one test, when named. */
  runTests(file: string, rule: string | null, test: string | null): RuleTestResult[] {
    const { rules, tests } = this.#load(file);
    const chosen = rules
      .filter(one => one.file === file && (rule === null || one.id === rule || one.title === rule))
      .map(one => ({
        rule: one,
        tests: (tests.get(one.id) ?? []).filter(({ name }) => test === null || name === test),
      }));
    return runRuleTests(chosen, this.#files.tests());
  }

  /** Tests of the file's rules, where they stand; [] while it has errors. */
  tests(file: string): readonly { rule: string; name: string; line: number }[] {
    const { rules, tests } = this.#load(file);
    return rules
      .filter(rule => rule.file === file)
      .flatMap(rule => (tests.get(rule.id) ?? []).map(({ name, line }) => ({ rule: rule.id, name, line: line - 1 })));
  }

  symbols(file: string): Symbols {
    return this.#symbolsOf(file, this.textOf(file));
  }

  /** What can be named at that line: of its own document first, then what is shared. */
  definitions(file: string, line: number): Found[] {
    const own = this.symbols(file)
      .definitions.filter(({ lines }) => lines[0] <= line && line <= lines[1])
      .map(definition => ({ ...definition, file }));
    const others = isFalcoText(this.textOf(file)) ? this.#falco() : this.#shared();
    const shared = others.flatMap(({ file: where, text }) =>
      this.#symbolsOf(where, text)
        .definitions.filter(({ kind }) => kind !== 'selection')
        .map(definition => ({ ...definition, file: where })),
    );
    return [...own, ...shared.filter(found => found.file !== file || !own.some(same(found)))];
  }

  /** Tactics, and tags in use elsewhere, for completion. */
  tags(): string[] {
    this.#shippedTags ??= this.#files.tags();
    const own = this.#onDisk.flatMap(({ text }) => text.match(/\battack\.[\w.-]+/gi) ?? []);
    const tactics = TACTICS.map(tactic => `attack.${tactic}`);
    return [...new Set([...tactics, ...this.#shippedTags, ...own.map(tag => tag.toLowerCase())])].sort();
  }

  #opened(): RuleFile[] {
    return [...this.#open].map(([file, text]) => ({ file, text }));
  }

  #all(): RuleFile[] {
    return [...this.#onDisk.filter(({ file }) => !this.#open.has(file)), ...this.#opened()];
  }

  #shared(): RuleFile[] {
    return this.#all().filter(({ text }) => SHARES.test(text));
  }

  /** Falco's files know of each other's lists and macros. */
  #falco(): RuleFile[] {
    return this.#all().filter(({ text }) => isFalcoText(text));
  }

  #symbolsOf(file: string, text: string): Symbols {
    const known = this.#symbols.get(file);
    if (known?.text === text) return known.symbols;
    const symbols = symbolsOf(text);
    this.#symbols.set(file, { text, symbols });
    return symbols;
  }

  #load(file: string): LoadedRules {
    const known = this.#loaded.get(file);
    if (known !== undefined) return known;
    const loaded = this.#loadNow(file);
    this.#loaded.set(file, loaded);
    return loaded;
  }

  #loadNow(file: string): LoadedRules {
    const text = this.textOf(file);
    if (isFalcoText(text)) return loadRules([...this.#falco().filter(other => other.file !== file), { file, text }]);
    const shared = this.#shared().filter(other => other.file !== file && sharesOnly(other.text));
    // A window on another version of a shared file takes its place.
    const others = shared.filter(other => !SHARES.test(text) || shortName(other.file) !== shortName(file));
    return loadRules([...others, { file, text }]);
  }
}

const same =
  (a: Definition) =>
  (b: Definition): boolean =>
    a.kind === b.kind && a.name === b.name;

/** Rules with lists of their own share nothing. */
const sharesOnly = (text: string): boolean =>
  text.split(/^---/m).some(part => SHARES.test(part) && !/^title:/m.test(part));

const shortName = (file: string): string => file.split(/[\\/]/).slice(-2).join('/');
