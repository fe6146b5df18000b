/** Problems in rule files as values with a place. Codes are stable: scripts and editors rely on them. */

export type Severity = 'error' | 'warning';

/** Every code with its severity. An error keeps its rule from loading; a warning does not. */
export const DIAGNOSTIC_CODES = {
  'unreadable-file': 'error',
  'yaml-syntax': 'error',
  'yaml-limit': 'error',
  'not-a-rule': 'error',
  'bad-shape': 'error',
  'missing-key': 'error',
  'unknown-key': 'warning',
  'duplicate-id': 'error',
  'bad-id': 'error',
  'bad-level': 'error',
  'bad-date': 'warning',
  'bad-tag': 'warning',
  'missing-id': 'warning',
  'missing-level': 'warning',
  'missing-description': 'warning',
  'missing-tags': 'warning',
  'missing-tests': 'warning',
  'unknown-taxonomy': 'error',
  'unknown-category': 'error',
  'unknown-kind': 'error',
  'impossible-kinds': 'error',
  'unknown-field': 'error',
  'unknown-modifier': 'error',
  'bad-modifier': 'error',
  'type-mismatch': 'error',
  'bad-regex': 'error',
  'bad-cidr': 'error',
  'bad-duration': 'error',
  'bad-selection': 'error',
  'unknown-list': 'error',
  'bad-condition': 'error',
  'undefined-selection': 'error',
  'unused-selection': 'error',
  'unused-macro': 'warning',
  'unused-list': 'warning',
  'duplicate-name': 'error',
  'sequence-without-within': 'error',
  'bad-sequence': 'error',
  'bad-count': 'error',
  'bad-exception': 'error',
  'bad-placeholder': 'error',
  'bad-test': 'error',
  unsupported: 'error',
  'sigma-unsupported': 'warning',
  'bad-falco': 'error',
  'falco-unsupported': 'warning',
  'bad-correlation': 'error',
  'bad-filter': 'error',
  'filter-polarity': 'warning',
  'missing-falsepositives': 'warning',
  'missing-logsource': 'warning',
  'unknown-tactic': 'warning',
  'modified-before-date': 'warning',
  'deprecated-form': 'warning',
  'always-true': 'warning',
  'always-false': 'warning',
  'unreachable-branch': 'warning',
  'positive-filter': 'warning',
  'duplicate-value': 'warning',
  'catastrophic-regex': 'warning',
  'expensive-rule': 'warning',
  'long-window': 'warning',
  'exception-swallows-rule': 'warning',
  'test-asserts-nothing': 'warning',
  'no-firing-test': 'warning',
  'no-quiet-test': 'warning',
  'unknown-test-key': 'error',
} as const satisfies Readonly<Record<string, Severity>>;

export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES;

export interface Diagnostic {
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly message: string;
  /** What to do about it, or ''. */
  readonly hint: string;
}

/** At most this many diagnostics are kept for one file; the last one says that more were cut. */
export const DIAGNOSTICS_PER_FILE_MAX = 100;
/** Of which warnings take no more than this: errors after them are still told. */
export const WARNINGS_PER_FILE_MAX = 50;

/** `file:line:column code message (hint)`, one line. */
export function formatDiagnostic(d: Diagnostic): string {
  const hint = d.hint === '' ? '' : ` (${d.hint})`;
  return `${d.file}:${d.line}:${d.column} ${d.severity} ${d.code}: ${d.message}${hint}`;
}
