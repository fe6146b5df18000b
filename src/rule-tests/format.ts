/** Results of rule tests as text: TAP-like lines for people, JUnit for continuous integration. */
import { escapeTerminal } from '../model/escape.ts';
import type { RuleTestResult } from './run.ts';

/** Version 13 of the Test Anything Protocol, with what went wrong as comments under the line. */
export function formatTap(results: readonly RuleTestResult[]): string {
  const lines = ['TAP version 13', `1..${results.length}`];
  for (const [i, result] of results.entries()) {
    const name = `${result.title} › ${result.test}`.replaceAll('#', '\\#');
    lines.push(`${result.passed ? 'ok' : 'not ok'} ${i + 1} - ${escapeTerminal(name)}`);
    if (result.passed) continue;
    lines.push(`  # at ${escapeTerminal(`${result.file}:${result.line}`)}`);
    for (const problem of result.problems) lines.push(`  # ${escapeTerminal(problem)}`);
  }
  const failed = results.filter(result => !result.passed).length;
  lines.push(`# ${results.length - failed} passed, ${failed} failed`);
  return `${lines.join('\n')}\n`;
}

/** One suite a rule file. */
export function formatJunit(results: readonly RuleTestResult[]): string {
  const suites = new Map<string, RuleTestResult[]>();
  for (const result of results) {
    const suite = suites.get(result.file);
    if (suite === undefined) suites.set(result.file, [result]);
    else suite.push(result);
  }
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites ${totals(results)}>`];
  for (const [file, suite] of suites) {
    lines.push(`  <testsuite name="${xml(file)}" ${totals(suite)}>`);
    for (const result of suite) {
      const attributes = `classname="${xml(result.title)}" name="${xml(result.test)}" file="${xml(file)}" line="${result.line}"`;
      if (result.passed) {
        lines.push(`    <testcase ${attributes}/>`);
        continue;
      }
      lines.push(`    <testcase ${attributes}>`);
      lines.push(
        `      <failure message="${xml(result.problems[0] ?? '')}">${xml(result.problems.join('\n'))}</failure>`,
      );
      lines.push('    </testcase>');
    }
    lines.push('  </testsuite>');
  }
  lines.push('</testsuites>');
  return `${lines.join('\n')}\n`;
}

function totals(results: readonly RuleTestResult[]): string {
  return `tests="${results.length}" failures="${results.filter(result => !result.passed).length}"`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/** XML 1.0 has no other control characters, not even escaped, no halves of pairs and no U+FFFE. */
function xml(text: string): string {
  const known = text.replace(/\p{Surrogate}|[\ufffe\uffff]/gu, '\ufffd');
  return escapeTerminal(known.replaceAll('\n', '\u2424'))
    .replaceAll('\u2424', '\n')
    .replace(/[&<>"\n]/g, character => ENTITIES[character]!);
}
