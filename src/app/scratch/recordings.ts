/** The recordings that ship, as something to try on. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../api/problem.ts';
import type { NamedFile } from './order.ts';

const FOLDER = fileURLToPath(new URL('../../../captures/', import.meta.url));
const isRecording = (name: string): boolean => /\.jsonl(\.gz)?$/.test(name);

/** Folders of captures that hold recordings themselves. */
export function shippedRecordings(): readonly string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && readdirSync(join(FOLDER, entry.name)).some(isRecording))
    .map(({ name }) => name)
    .sort();
}

/** Throws a 404 problem: only names of the list lead to files. */
export function recordingFiles(name: string): readonly NamedFile[] {
  const known = shippedRecordings();
  if (!known.includes(name))
    throw new Problem(404, 'not-found', `no recording is called so; there are: ${known.join(', ') || 'none'}`);
  return readdirSync(join(FOLDER, name))
    .filter(isRecording)
    .sort()
    .map(file => ({ path: join(FOLDER, name, file), name: `${name}/${file}` }));
}
