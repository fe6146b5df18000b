/** Changes to a rule's text that leave everything else as its author wrote it. */
import { Document, isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml';
import type { ExceptionEntry } from './exception.ts';

/** As it stands under `exceptions:`, a list of one. */
export function exceptionYaml(entry: ExceptionEntry): string {
  const list = new Document([entry]);
  for (const key of ['fields', 'comps', 'values']) {
    const node = list.getIn([0, key], true);
    if (isSeq(node)) node.flow = true;
  }
  return list.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/**
 * The file's text with the exception added to the rule that stands at `line` (1 is the first), or why that cannot be done.
 * Comments and layout stay; only where `exceptions` is written on one line, that document is laid out anew.
 */
export function withException(
  text: string,
  line: number,
  entry: ExceptionEntry,
): { readonly text: string } | { readonly problem: string } {
  const parsed = parseAllDocuments(text, { uniqueKeys: false });
  const documents: Document[] = Array.isArray(parsed) ? parsed : [];
  const document = documents.find(({ contents }) => {
    const at = (contents as Node | null)?.range?.[0];
    return at !== undefined && text.slice(0, at).split('\n').length === line;
  });
  if (document === undefined || !isMap(document.contents) || document.errors.length > 0)
    return { problem: 'the rule is not a document of its own in this file' };
  const { items } = document.contents;
  const pair = items.find(item => isScalar(item.key) && item.key.value === 'exceptions');
  const block = exceptionYaml(entry);
  if (pair === undefined || pair.value === null) {
    const tests = items.find(item => isScalar(item.key) && item.key.value === 'tests');
    const end = (document.contents as Node).range?.[1] ?? text.length;
    const at =
      tests === undefined ? lineEnd(text, end) : startWithComments(text, (tests.key as Node).range?.[0] ?? end);
    const before = text.slice(0, at);
    const gap = before === '' || before.endsWith('\n') ? '' : '\n';
    return { text: `${before}${gap}exceptions:\n${indented(block, 2)}${text.slice(at)}` };
  }
  const list = pair.value;
  if (!isSeq(list)) return { problem: 'exceptions is not a list' };
  if (list.items.some(item => isMap(item) && item.get('name') === entry.name))
    return { problem: `there is an exception called ${entry.name} already` };
  const last = list.items.at(-1) as Node | undefined;
  if (list.flow === true || last?.range == null) {
    list.flow = false;
    list.add(document.createNode(entry));
    return { text: documents.map(one => one.toString({ lineWidth: 0 })).join('') };
  }
  // Items of a block stand in one column, behind their dash.
  const first = (list as unknown as Node).range?.[0] ?? 0;
  const column = first - (text.lastIndexOf('\n', first - 1) + 1);
  const at = lineEnd(text, last.range[1]);
  const before = text.slice(0, at);
  return { text: `${before}${before.endsWith('\n') ? '' : '\n'}${indented(block, column)}${text.slice(at)}` };
}

const indented = (block: string, columns: number): string => block.replace(/^(?=.)/gm, ' '.repeat(columns));

/** The beginning of the line after the content that ends at `at`. */
function lineEnd(text: string, at: number): number {
  if (text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

/** The beginning of the comment lines that stand right above `at`, or `at`. */
function startWithComments(text: string, at: number): number {
  let start = at;
  for (;;) {
    const before = text.lastIndexOf('\n', start - 2) + 1;
    if (start < 2 || !/^\s*#/.test(text.slice(before, start))) return start;
    start = before;
  }
}
