/** Lint findings as SARIF 2.1.0, for code hosts. */
import { CHECKS } from '../rules/checks.ts';
import { DIAGNOSTIC_CODES, type Diagnostic, type DiagnosticCode } from '../rules/diagnostics.ts';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

export function formatSarif(findings: readonly Diagnostic[]): string {
  const codes = Object.keys(DIAGNOSTIC_CODES) as DiagnosticCode[];
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'spoor rules lint',
            rules: codes.map(code => ({
              id: code,
              shortDescription: { text: CHECKS[code].replaceAll('`', '') },
              defaultConfiguration: { level: DIAGNOSTIC_CODES[code] },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(finding => ({
          ruleId: finding.code,
          ruleIndex: codes.indexOf(finding.code),
          level: finding.severity,
          message: { text: finding.hint === '' ? finding.message : `${finding.message} (${finding.hint})` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(finding.file) },
                region: { startLine: finding.line, startColumn: finding.column },
              },
            },
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** Relative paths stay relative: code hosts resolve them against the root of the repository. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  if (path.startsWith('/')) return `file://${encoded}`;
  return /^[A-Za-z]:\//.test(path) ? `file:///${path.slice(0, 2)}${encoded.slice(4)}` : encoded;
}
