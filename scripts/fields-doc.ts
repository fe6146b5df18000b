/** Writes the field table of docs/rules.md from the catalogue; with `--check` only says whether it is current (exit 1 if not). */
import { readFileSync, writeFileSync } from 'node:fs';
import { FALCO_FIELD_TEXTS } from '../src/authoring/falco-keys.ts';
import { FAMILIES, FIELDS } from '../src/rules/catalogue/catalogue.ts';
import { FALCO_NAMES, falcoField, falcoRow } from '../src/rules/catalogue/falco.ts';
import { ALL_KINDS, type FieldType, HOOK_KINDS, PROCESS_KINDS, SUBJECT_KINDS } from '../src/rules/catalogue/field.ts';
import { SIGMA_NAMES, sigmaField } from '../src/rules/catalogue/sigma.ts';

const START = '<!-- fields: made by scripts/fields-doc.ts -->';
const END = '<!-- end of fields -->';

const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['all', ALL_KINDS],
  ['process events and flows', SUBJECT_KINDS],
  ['process events', PROCESS_KINDS],
  ['flows and hooks', ['flow', ...HOOK_KINDS]],
  ['hooks', HOOK_KINDS],
];

function where(kinds: readonly string[]): string {
  const group = GROUPS.find(([, all]) => all.length === kinds.length && all.every(kind => kinds.includes(kind)));
  return group?.[0] ?? kinds.join(', ');
}

interface Row {
  readonly name: string;
  readonly type: FieldType;
  readonly kinds: readonly string[];
  readonly describe: string;
  readonly requires: readonly string[];
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const line = (row: Row): string =>
  `| \`${row.name.replaceAll('|', '\\|')}\` | ${row.type} | ${where(row.kinds)} | ${cell(row.describe)} | ${row.requires.join(' ')} |`;

function falcoLine(name: string): string {
  const row = falcoRow(name);
  const field = falcoField(`falco.${name}`);
  if (row === null || field === null) throw new Error(`${name} is no field`);
  const what = `${FALCO_FIELD_TEXTS[name]}${row.approximates === '' ? '' : `; approximates: ${row.approximates}`}`;
  return line({ ...field, name, describe: what });
}

/** `parent.*` repeats `process.*`. */
const rows: readonly Row[] = [...FIELDS, ...FAMILIES.map(family => ({ ...family, name: family.pattern }))].filter(
  row => !row.name.startsWith('parent.'),
);

function fieldTable(): string {
  return [
    START,
    '',
    '| field | type | on | what | needs |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(line),
    '',
    '`parent.*` has every field of `process.*`, for the parent.',
    '',
    "| Sigma's name | field |",
    '| --- | --- |',
    ...SIGMA_NAMES.map(name => `| ${name} | \`${sigmaField(name)}\` |`),
    '',
    'In Falco’s conditions, and in native rules as `falco.<name>`:',
    '',
    "| Falco's field | type | on | what | needs |",
    '| --- | --- | --- | --- | --- |',
    ...FALCO_NAMES.map(falcoLine),
    '',
    END,
  ].join('\n');
}

const file = new URL('../docs/rules.md', import.meta.url);

/** The document with its table made anew. */
export function withFieldTable(document: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`docs/rules.md has no ${START} … ${END}`);
  return document.slice(0, start) + fieldTable() + document.slice(end + END.length);
}

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1].split('/').at(-1) ?? '')) {
  const before = readFileSync(file, 'utf8');
  const after = withFieldTable(before);
  if (process.argv.includes('--check')) process.exitCode = before === after ? 0 : 1;
  else writeFileSync(file, after);
}
