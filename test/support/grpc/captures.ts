/** The recordings of the repository as parsed lines. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../captures');

/** Paths of all recordings of one sensor, relative to captures/. */
export function recordings(sensor: 'tetragon' | 'hubble'): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith(`${sensor}.jsonl.gz`))
    .sort();
}

/** Lines of one recording. */
export function lines(path: string): string[] {
  return gunzipSync(readFileSync(join(folder, path)))
    .toString('utf8')
    .split('\n')
    .filter(line => line !== '');
}
