/** Which documents are Sigma's, and the legacy `action:` documents of a file that share what they say. */
import { isRecord, type YamlDocument } from '../yaml.ts';

export type SigmaKind = 'rule' | 'correlation' | 'filter';

/** Keys that only native rules have: with any of them a document is one. */
const NATIVE_KEYS = [
  'any',
  'sequence',
  'count',
  'first_seen',
  'exceptions',
  'tests',
  'lists',
  'macros',
  'message',
  'runbook',
  'requires',
];

/** What a document is, by its shape; null when it is not Sigma's. */
export function sigmaKind(value: unknown): SigmaKind | null {
  if (!isRecord(value)) return null;
  if (value.correlation !== undefined) return 'correlation';
  if (value.filter !== undefined) return 'filter';
  if (value.detection === undefined || value.taxonomy === 'spoor') return null;
  return NATIVE_KEYS.some(key => value[key] !== undefined) ? null : 'rule';
}

/** Each global document is copied into what comes after it. */
const GLOBALS_MAX = 100;

/**
 * `action: global` says what all later documents of its file have in common, `repeat` changes the document before it, `reset`
 * forgets what was global. Places are those of the document itself; what it inherits stands at its top.
 */
export function resolveActions(documents: readonly YamlDocument[]): YamlDocument[] {
  let file = '';
  let shared: Readonly<Record<string, unknown>> = {};
  let previous: unknown = {};
  let globals = 0;
  const out: YamlDocument[] = [];
  for (const document of documents) {
    if (document.problems.file !== file) {
      file = document.problems.file;
      shared = {};
      previous = {};
      globals = 0;
    }
    const { value } = document;
    const action = isRecord(value) ? value.action : undefined;
    if (!isRecord(value) || (action === undefined && Object.keys(shared).length === 0)) {
      previous = value;
      out.push(document);
      continue;
    }
    const { action: _, ...own } = value;
    if (action === 'reset') shared = {};
    else if (action === 'global') {
      if (++globals <= GLOBALS_MAX) shared = merged(shared, own);
      else document.problems.add('yaml-limit', ['action'], `more than ${GLOBALS_MAX} global documents in one file`);
    } else if (action === undefined || action === 'repeat') {
      previous = merged(action === 'repeat' && isRecord(previous) ? previous : shared, own);
      out.push({ ...document, value: previous });
    } else {
      const known = 'global, repeat or reset; correlations are written under the key correlation';
      document.problems.add('bad-shape', ['action'], `unknown action ${String(action)}`, known);
    }
  }
  return out;
}

type Values = Readonly<Record<string, unknown>>;

/** Maps are joined key by key; anything else is replaced. */
function merged(base: Values, over: Values): Values {
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = out[key];
    out[key] = isRecord(below) && isRecord(value) ? merged(below, value) : value;
  }
  return out;
}
