/** Lint findings as SARIF 2.1.0, for code hosts. */
import type { Log, Result } from 'sarif';
import { digest } from '../model/hash.ts';
import { CHECKS } from '../rules/checks.ts';
import { DIAGNOSTIC_CODES, type Diagnostic, type DiagnosticCode } from '../rules/diagnostics.ts';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

/** Code hosts refuse more results of one run. */
const RESULTS_MAX = 25_000;

/** Errors first, so that what is cut are warnings; a run that was cut says so. `version` is that of the program. */
export function formatSarif(findings: readonly Diagnostic[], version: string): string {
  const codes = Object.keys(DIAGNOSTIC_CODES) as DiagnosticCode[];
  const kept = [
    ...findings.filter(({ severity }) => severity === 'error'),
    ...findings.filter(({ severity }) => severity !== 'error'),
  ].slice(0, RESULTS_MAX);
  const left = findings.length - kept.length;
  const cut =
    left === 0 ? [] : [{ level: 'warning', message: { text: `${left} more findings are left out` } } as const];
  const fingerprint = fingerprints();
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'spoor rules lint',
            semanticVersion: version,
            rules: codes.map(code => ({
              id: code,
              shortDescription: { text: plain(CHECKS[code]) },
              fullDescription: { text: `${plain(CHECKS[code])}. ${CONSEQUENCE[DIAGNOSTIC_CODES[code]]}` },
              help: {
                text: `${plain(CHECKS[code])}. ${HELP}`,
                markdown: `${CHECKS[code]}. ${HELP}`,
              },
              defaultConfiguration: { level: DIAGNOSTIC_CODES[code] },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [{ executionSuccessful: true, toolExecutionNotifications: cut }],
        results: kept.map(
          (finding): Result => ({
            ruleId: finding.code,
            ruleIndex: codes.indexOf(finding.code),
            level: finding.severity,
            message: { text: finding.hint === '' ? finding.message : `${finding.message} (${finding.hint})` },
            partialFingerprints: { primaryLocationLineHash: fingerprint(finding) },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: uriOf(finding.file) },
                  region: { startLine: finding.line, startColumn: finding.column },
                },
              },
            ],
          }),
        ),
      },
    ],
  } satisfies Log;
  return `${JSON.stringify(log, null, 2)}\n`;
}

const plain = (text: string): string => text.replaceAll('`', '');
const HELP = 'docs/rules.md of Spoor explains the language and lists every check.';
const CONSEQUENCE = {
  error: 'The rule does not load.',
  warning: 'The rule loads all the same.',
} as const;

/** The same finding has the same print when lines move; the second of equal ones has another. */
function fingerprints(): (finding: Diagnostic) => string {
  const seen = new Map<string, number>();
  return ({ file, code, message }) => {
    const print = digest([file, code, message].join('\0'));
    const count = (seen.get(print) ?? 0) + 1;
    seen.set(print, count);
    return `${print}:${count}`;
  };
}

/** Relative paths stay relative: code hosts resolve them against the root of the repository. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  if (path.startsWith('/')) return `file://${encoded}`;
  return /^[A-Za-z]:\//.test(path) ? `file:///${path.slice(0, 2)}${encoded.slice(4)}` : encoded;
}
