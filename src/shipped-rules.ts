/**
 * The rules that ship, read when Spoor is built: a start takes the documents of every file whose text is still the same from one
 * file of JSON, and reads only what was changed or added. Without that file all are read.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type RuleFile, readAhead } from './rules/load.ts';

type Documents = NonNullable<RuleFile['documents']>;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64');

/** The content of the file, which stands beside this one when it is built. */
export function shippedDocuments(files: readonly RuleFile[]): string {
  const byDigest = [...readAhead(files)].map(([text, documents]) => [digestOf(text), documents] as const);
  return JSON.stringify(Object.fromEntries(byDigest));
}

/** The files with the documents that are known of their texts. */
export function withShippedDocuments(files: readonly RuleFile[]): readonly RuleFile[] {
  const known = readShippedDocuments();
  if (known.size === 0) return files;
  return files.map(file => {
    const documents = known.get(digestOf(file.text));
    return documents === undefined ? file : { ...file, documents };
  });
}

function readShippedDocuments(): ReadonlyMap<string, Documents> {
  try {
    const text = readFileSync(new URL('./shipped-rules.json', import.meta.url), 'utf8');
    return new Map(Object.entries(JSON.parse(text) as Record<string, Documents>));
  } catch {
    // Run from its sources, or not built to the end.
    return new Map();
  }
}
