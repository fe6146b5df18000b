/**
 * Rules for other products, told by their text: most of a public folder is for Windows, and a parser would cost more than all the
 * rules that run. Whatever is not written in the plain form that everybody uses is left to the parser.
 */
import { isOtherProduct } from './logsource.ts';
import type { SigmaOutcome } from './outcome.ts';

export interface SkippedFile {
  readonly outcome: SigmaOutcome;
  /** The name by which other documents may refer to it, or ''. */
  readonly name: string;
}

const LOGSOURCE = /^logsource:[ \t]*(?:#.*)?\r?\n((?:[ \t]+.*\n|[ \t]*\r?\n)+)/m;
const PRODUCT = /^[ \t]+product:[ \t]*(['"]?)([A-Za-z0-9_.-]+)\1[ \t]*(?:#.*)?\r?$/m;
/** Keys of documents that are more than a plain rule. */
const OTHER_KEYS =
  /^(?:action|any|correlation|count|exceptions|filter|first_seen|lists|macros|sequence|taxonomy|tests)[ \t]*:/m;
const DETECTION = /^detection[ \t]*:/m;

/** Null when the file has to be parsed. */
export function skippedByText(file: string, text: string): SkippedFile | null {
  const block = LOGSOURCE.exec(text);
  const product = block === null ? null : PRODUCT.exec(block[1] as string);
  const name = product?.[2]?.toLowerCase() ?? '';
  if (block === null || product === null || !isOtherProduct(name)) return null;
  if (text.indexOf('\n---', 3) >= 0 || OTHER_KEYS.test(text) || !DETECTION.test(text)) return null;
  const title = value(text, 'title');
  if (title === '') return null;
  const at = block.index + block[0].length - (block[1] as string).length + product.index;
  const column = product[0].lastIndexOf(product[2] as string) + 1;
  const reasons = [{ text: `events of ${name}, not of Linux`, line: text.slice(0, at).split('\n').length, column }];
  const outcome = {
    file,
    line: 1,
    title,
    id: value(text, 'id'),
    kind: 'rule',
    status: 'skipped',
    reasons,
    approximates: [],
  } as const;
  return { outcome, name: value(text, 'name') };
}

function value(text: string, key: string): string {
  const found = new RegExp(`^${key}:[ \\t]*(?:'([^'\\n]*)'|"([^"\\\\\\n]*)"|([^'"#|>&*!\\n][^#\\n]*))`, 'm').exec(text);
  return (found?.[1] ?? found?.[2] ?? found?.[3] ?? '').trim();
}
