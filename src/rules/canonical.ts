/** One text for one content: what hashes of rules are made of. */
import { digest } from '../model/hash.ts';
import { isRecord } from './yaml.ts';

/** JSON with sorted keys: the same content gives the same text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null';
  const entries = Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${entries.join(',')}}`;
}

/** Of all that a document says but for the tests in it. */
export function contentDigest(value: unknown): string {
  if (!isRecord(value)) return digest(canonical(value));
  const { tests: _, ...content } = value;
  return digest(canonical(content));
}
