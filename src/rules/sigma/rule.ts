/** One plain Sigma rule → a condition with its metadata, from which filters and the matcher are made later. */

import { both, type Condition } from '../condition.ts';
import { parseDetection } from '../detection.ts';
import type { DiagnosticCode } from '../diagnostics.ts';
import type { Library } from '../library.ts';
import { didYouMean } from '../names.ts';
import type { Path, Problems, YamlDocument } from '../yaml.ts';
import { readLogSource } from './logsource.ts';
import { readMetadata, type SigmaMetadata } from './metadata.ts';
import type { SigmaReason, SigmaStatus } from './outcome.ts';

export interface ParsedSigmaRule {
  readonly document: YamlDocument;
  readonly value: Readonly<Record<string, unknown>>;
  readonly metadata: SigmaMetadata;
  /** Null unless the status is `native` (which becomes `needs` once its fields are known). */
  readonly condition: Condition | null;
  readonly lists: readonly string[];
  readonly status: SigmaStatus;
  readonly reasons: readonly SigmaReason[];
}

/** What is wrong with a rule because of where it runs, not because of how it is written. */
const UNSUPPORTED: ReadonlySet<DiagnosticCode> = new Set<DiagnosticCode>([
  'unknown-field',
  'unknown-list',
  'unsupported',
  'impossible-kinds',
  'type-mismatch',
]);

/** What other engines accept, and no linear-time one does: look-around, possessive repetition, back-references. */
const PERL = /nested repetition|escape sequence|Perl syntax|look-around/i;

export interface Collected {
  readonly problems: Problems;
  readonly unsupported: SigmaReason[];
  readonly broken: SigmaReason[];
}

/** Problems that tell what is unsupported (a warning) from what is broken (an error), and keep both as reasons. */
export function collecting(problems: Problems): Collected {
  const unsupported: SigmaReason[] = [];
  const broken: SigmaReason[] = [];
  return {
    unsupported,
    broken,
    problems: {
      ...problems,
      add(code, path, message, hint = '', at = 'value', offset = 0) {
        const { line, column } = problems.place(path, at);
        const isUnsupported = UNSUPPORTED.has(code) || (code === 'bad-regex' && PERL.test(message));
        (isUnsupported ? unsupported : broken).push({ text: message, line, column: column + offset });
        problems.add(isUnsupported ? 'sigma-unsupported' : code, path, message, hint, at, offset);
      },
    },
  };
}

/** Null after reporting a document that is not even a rule. */
export function parseSigmaRule(
  document: YamlDocument,
  value: Readonly<Record<string, unknown>>,
  library: Library,
): ParsedSigmaRule | null {
  const metadata = readMetadata(value, document.problems);
  if (metadata === null) return null;
  const base = { document, value, metadata, condition: null, lists: [] };
  const source = readLogSource(value.logsource);
  const at: Path = source.status === 'native' || source.key === '' ? ['logsource'] : ['logsource', source.key];
  if (source.status === 'skipped') {
    const { line, column } = document.problems.place(at);
    return { ...base, status: 'skipped', reasons: [{ text: source.reason, line, column }] };
  }
  const { problems, unsupported, broken } = collecting(document.problems);
  if (source.status !== 'native') {
    problems.add('unsupported', at, source.reason);
    return { ...base, status: 'unsupported', reasons: unsupported };
  }
  const { taxonomy } = value;
  if (taxonomy != null && taxonomy !== 'sigma') {
    problems.add(
      'unsupported',
      ['taxonomy'],
      `field names of the taxonomy ${String(taxonomy)}`,
      didYouMean(String(taxonomy), ['sigma', 'spoor']),
    );
    return { ...base, status: 'unsupported', reasons: unsupported };
  }
  if (!reportAggregation(value.detection, problems)) return { ...base, status: 'unsupported', reasons: unsupported };
  const listsUsed = new Set<string>();
  const scope = { problems, native: false, lists: library.lists, listsUsed, macros: NO_MACROS, unusedAllowed: true };
  const detection = parseDetection(value.detection, ['detection'], scope);
  if (detection === null) {
    const status = broken.length > 0 ? 'broken' : 'unsupported';
    return { ...base, status, reasons: broken.length > 0 ? broken : unsupported };
  }
  return {
    ...base,
    condition: both(source.condition, detection),
    lists: [...listsUsed],
    status: 'native',
    reasons: [],
  };
}

const NO_MACROS = { find: () => null, names: () => [] };

/** `condition: selection | count() by x > 3` and `timeframe`: what correlations replaced. False after reporting one. */
function reportAggregation(detection: unknown, problems: Problems): boolean {
  if (typeof detection !== 'object' || detection === null) return true;
  const { condition, timeframe } = detection as Readonly<Record<string, unknown>>;
  const written: readonly unknown[] = Array.isArray(condition) ? condition : [condition];
  const hint = 'write a correlation: type event_count or value_count, group-by, timespan';
  for (const [i, expression] of written.entries()) {
    const pipe = typeof expression === 'string' ? expression.indexOf('|') : -1;
    if (pipe < 0) continue;
    const path: Path = Array.isArray(condition) ? ['detection', 'condition', i] : ['detection', 'condition'];
    problems.add('unsupported', path, 'aggregations in conditions are deprecated and not read', hint, 'value', pipe);
    return false;
  }
  if (timeframe === undefined) return true;
  problems.add('unsupported', ['detection', 'timeframe'], 'timeframe is deprecated and not read', hint, 'key');
  return false;
}
