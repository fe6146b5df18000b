/** Falco's files of a load → rules that run, with a row of the import report for each. */
import { digest } from '../../model/hash.ts';
import { fieldNamesOf, kindsOf, requiresOf } from '../analysis.ts';
import { findField } from '../catalogue/catalogue.ts';
import { compileCondition } from '../compile.ts';
import { ALWAYS, type Condition, childrenOf, fieldsOf } from '../condition.ts';
import { alternativeHintsOf, hintsOf } from '../hints.ts';
import { type ImportRow, type ImportStatus, SWITCHED_OFF } from '../import-report.ts';
import type { Level, Rule } from '../rule.ts';
import type { YamlDocument } from '../yaml.ts';
import { collect, DefinitionError, type FalcoCollection, type FalcoRule } from './collection.ts';
import { FalcoCompiler } from './compile.ts';
import { compileExceptions } from './exceptions.ts';
import { alternativesOf, descriptorOf } from './needs.ts';
import { type Result, type Unsupported, where } from './result.ts';
import type { Place } from './source.ts';

export interface FalcoFile {
  readonly document: YamlDocument;
  readonly text: string;
}

export interface FalcoLoaded {
  readonly rule: Rule;
  readonly condition: Condition;
  readonly enabled: boolean;
  /** What suppresses it, or null. */
  readonly excepted: Condition | null;
  readonly license: string;
}

export interface FalcoRules {
  /** Those that run: what is switched off is not among them. */
  readonly rules: readonly Rule[];
  readonly rows: readonly ImportRow[];
  /** All that can run, also when switched off. */
  readonly loaded: readonly FalcoLoaded[];
}

/** Later files override earlier ones: all are read before anything is compiled. */
export function loadFalco(files: readonly FalcoFile[]): FalcoRules {
  const collection: FalcoCollection = { lists: new Map(), macros: new Map(), rules: new Map() };
  const headers = new Map<string, Header>();
  for (const { document, text } of files) {
    collect(document, text.split('\n'), collection);
    headers.set(document.problems.file, headerOf(text));
  }
  const compiler = new FalcoCompiler(collection);
  const out = { rules: [] as Rule[], rows: [] as ImportRow[], loaded: [] as FalcoLoaded[] };
  for (const falco of collection.rules.values()) {
    const { status, reasons, loaded } = compileRule(falco, compiler, headers.get(falco.problems.file) ?? NO_HEADER);
    const { line } = falco.problems.place(falco.path);
    out.rows.push({
      file: falco.problems.file,
      line,
      title: falco.name,
      id: idOf(falco.name),
      format: 'falco',
      status,
      reasons,
    });
    if (loaded === null) continue;
    out.loaded.push(loaded);
    if (falco.enabled) out.rules.push(loaded.rule);
  }
  return out;
}

interface Header {
  readonly author: string;
  readonly license: string;
}

const NO_HEADER: Header = { author: '', license: '' };

/** Author and licence as the comments at the top of the file name them. */
function headerOf(text: string): Header {
  const lines = text.slice(0, 4_000).split('\n');
  const end = lines.findIndex(line => line !== '' && !line.startsWith('#'));
  const comments = (end < 0 ? lines : lines.slice(0, end)).join('\n');
  const author = /copyright\s+(?:\(c\)\s*)?(?:\d{4}(?:-\d{4})?,?\s+)?([^\n]{1,200})/i.exec(comments)?.[1] ?? '';
  const spdx = /SPDX-License-Identifier:\s*(\S{1,60})/.exec(comments)?.[1];
  return {
    author: author.trim().replace(/\.$/, ''),
    license: spdx ?? (/Apache License, Version 2\.0/.test(comments) ? 'Apache-2.0' : ''),
  };
}

interface Compiled {
  readonly status: ImportStatus;
  readonly reasons: readonly string[];
  readonly loaded: FalcoLoaded | null;
}

function compileRule(falco: FalcoRule, compiler: FalcoCompiler, header: Header): Compiled {
  const none = (status: ImportStatus, ...reasons: readonly string[]): Compiled => ({ status, reasons, loaded: null });
  const { problems, path } = falco;
  if (falco.source !== 'syscall') {
    return none('skipped', `for the event source ${falco.source}, which Falco's plugins give`);
  }
  const unsupported = (reasons: readonly Unsupported[]): Compiled => {
    const told = reasons.map(({ what, place }) => {
      report(falco, 'falco-unsupported', `unsupported: ${what}`, place);
      return `unsupported: ${what} at ${where(place)}`;
    });
    return none('unsupported', ...told);
  };
  const whole = falco.condition.place(0);
  let result: Result;
  let exceptions: Result | null;
  try {
    result = compiler.condition(falco.condition);
    exceptions = compileExceptions(falco.exceptions, falco.problems, compiler);
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    const at = where(error.place);
    const hint = error.hint === '' ? '' : ` (${error.hint})`;
    report(falco, 'bad-falco', error.message, error.place, error.hint);
    return none('unsupported', `unsupported: ${error.message}${hint} at ${at}`);
  }
  if (result.kind === 'unknown') {
    // One reason for each field, whatever its argument.
    const fields = new Map(result.because.map(each => [each.what.replace(/\[.*/s, ''), each] as const).reverse());
    return unsupported([...fields.values()].reverse());
  }
  // As in Falco, until what it names is filled in.
  if (result.kind === 'never')
    return none('skipped', ...(result.notes.size > 0 ? result.notes : [`no event can match at ${where(whole)}`]));
  const condition: Condition = result.kind === 'condition' ? result.condition : ALWAYS;
  const descriptor = descriptorOf(condition);
  if (descriptor !== null) return unsupported([{ what: descriptor, place: whole }]);
  const kinds = kindsOf(condition);
  if (kinds.length === 0)
    return unsupported([{ what: 'no kind of event carries all that is asked for', place: whole }]);
  const excepted = exceptions?.kind === 'condition' ? exceptions.condition : null;
  const requires = [...requiresOf(condition)].sort();
  const alternatives = alternativesOf(condition, requires);
  const notes = new Set([...result.notes, ...(exceptions?.notes ?? [])]);
  const tags = tagsOf(falco.tags);
  const { line } = problems.place(path);
  const rule: Rule = {
    id: idOf(falco.name),
    title: falco.name.slice(0, TITLE_CHARS_MAX),
    level: LEVEL[falco.priority.toLowerCase()] ?? 'medium',
    status: falco.tags.includes('maturity_stable') ? 'stable' : 'test',
    description: falco.desc,
    author: header.author,
    date: '',
    references: [],
    tags,
    falsepositives: [],
    runbook: '',
    message: messageOf(falco.output),
    hash: digest(
      JSON.stringify([
        falco.name,
        falco.priority,
        falco.output,
        falco.desc,
        tags,
        fingerprint(condition),
        excepted === null ? '' : fingerprint(excepted),
      ]),
    ),
    file: problems.file,
    line,
    requires,
    branches: [
      {
        id: '',
        kinds,
        test: compileCondition(condition),
        hints: hintsOf(condition),
        alternatives: alternativeHintsOf(condition),
        fields: fieldNamesOf(condition),
      },
    ],
    sequence: null,
    count: null,
    firstSeen: null,
    excepted: excepted === null ? () => false : compileCondition(excepted),
  };
  const reasons = [
    ...requires,
    ...(alternatives === null ? [] : [alternatives.reason]),
    ...[...notes].sort().map(note => `approximates: ${note}`),
    ...(falco.enabled ? [] : [SWITCHED_OFF]),
  ];
  return {
    status: requires.length > 0 || alternatives?.all === true ? 'needs' : 'native',
    reasons,
    loaded: { rule, condition, enabled: falco.enabled, excepted, license: header.license },
  };
}

/** Where it stands; at the rule's name when that is in another file, as a macro may be. */
function report(
  { name, problems, path }: FalcoRule,
  code: 'bad-falco' | 'falco-unsupported',
  message: string,
  place: Place,
  hint = '',
): void {
  if (place.file === problems.file) problems.addAt(code, place, `${name}: ${message}`, hint);
  else problems.add(code, [...path, 'rule'], `${name}: ${message} at ${where(place)}`, hint);
}

const TITLE_CHARS_MAX = 256;

/** A UUID made of the name, by which Falco knows its rules. */
function idOf(name: string): string {
  const hex = digest(`falco rule ${name}`);
  const variant = '89ab'[Number.parseInt(hex[16] as string, 16) & 3] as string;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const LEVEL: Readonly<Record<string, Level>> = {
  emergency: 'critical',
  alert: 'critical',
  critical: 'critical',
  error: 'high',
  warning: 'medium',
  notice: 'low',
  info: 'informational',
  informational: 'informational',
  debug: 'informational',
};

/** `mitre_privilege_escalation` and `T1548.001` as ATT&CK tags; Falco's other tags speak of its own files. */
function tagsOf(tags: readonly string[]): string[] {
  const out = tags.flatMap(tag => {
    const tactic = /^mitre_([a-z_]+)$/i.exec(tag)?.[1];
    if (tactic !== undefined) return [`attack.${tactic.toLowerCase()}`];
    return /^(T\d{4}(\.\d{3})?|TA\d{4})$/i.test(tag) ? [`attack.${tag.toLowerCase()}`] : [];
  });
  return [...new Set(out)];
}

const MESSAGE_CHARS_MAX = 990;
const FIELD = String.raw`[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+(?:\[[^\]\s]*\])?(?:\.[a-z0-9_]+)*`;
const OUTPUT_FIELD = new RegExp(`%([a-z0-9]+\\(${FIELD}\\)|${FIELD})`, 'g');
const CONTAINER_INFO = 'container={falco.container.name} image={falco.container.image}';

const placeholders = new Map<string, string>();
const PLACEHOLDERS_MAX = 1_000;

/** Rules ask for the same few fields again and again. */
function placeholderOf(field: string): string {
  let known = placeholders.get(field);
  if (known === undefined) {
    known = findField(`falco.${field}`) === null ? '<NA>' : `{falco.${field}}`;
    if (placeholders.size < PLACEHOLDERS_MAX) placeholders.set(field, known);
  }
  return known;
}

/** `output` with its `%fields` as placeholders, in one line; braces of its own would be placeholders too. */
function messageOf(output: string): string {
  const clean = output.replace(/^\*/, '').replace(/[{}]/g, '').replace(/\s+/g, ' ').trim();
  const message = clean.replace(OUTPUT_FIELD, (_, field: string) => {
    if (field === 'container.info') return CONTAINER_INFO;
    return placeholderOf(field);
  });
  if (message.length <= MESSAGE_CHARS_MAX) return message;
  const cut = message.slice(0, MESSAGE_CHARS_MAX);
  return cut.lastIndexOf('{') > cut.lastIndexOf('}') ? cut.slice(0, cut.lastIndexOf('{')) : cut;
}

const fingerprints = new WeakMap<Condition, string>();

/** Changes when what is asked for does. Macros are one node in many rules: each is read once. */
function fingerprint(condition: Condition): string {
  let known = fingerprints.get(condition);
  if (known === undefined) {
    const children = childrenOf(condition).map(fingerprint);
    const own = JSON.stringify({
      ...condition,
      of: undefined,
      field: fieldsOf(condition).map(({ name }) => name),
      others: undefined,
      category: undefined,
    });
    known = children.length < 2 ? own + children.join('') : digest(own + children.join(' '));
    fingerprints.set(condition, known);
  }
  return known;
}
