/** Writes the table of lint checks of docs/rules.md from the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CHECKS } from '../src/rules/checks.ts';
import { DIAGNOSTIC_CODES, type DiagnosticCode } from '../src/rules/diagnostics.ts';

const START = '<!-- checks: made by scripts/checks-doc.ts -->';
const END = '<!-- end of checks -->';

/** The document with its table made anew. */
export function withCheckTable(document: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`docs/rules.md has no ${START} … ${END}`);
  const rows = (Object.keys(CHECKS) as DiagnosticCode[]).map(
    code => `| \`${code}\` | ${DIAGNOSTIC_CODES[code]} | ${CHECKS[code].replaceAll('|', '\\|')} |`,
  );
  const table = [START, '', '| code | severity | what is wrong |', '| --- | --- | --- |', ...rows, '', END].join('\n');
  return document.slice(0, start) + table + document.slice(end + END.length);
}

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1].split('/').at(-1) ?? '')) {
  const file = new URL('../docs/rules.md', import.meta.url);
  writeFileSync(file, withCheckTable(readFileSync(file, 'utf8')));
}
