/** Real lines for tests: the recordings of the repository, and public samples where they are at hand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '..', '..', '..');

const samplesFolder = join(root, process.env.SPOOR_SHARED ?? '../shared', 'samples');
export const hasSamples = existsSync(samplesFolder);

function lines(bytes: Buffer): string[] {
  return bytes.toString('utf8').split('\n').filter(Boolean);
}

/** Lines of `captures/<file>`. */
export function captureLines(file: string): string[] {
  return lines(gunzipSync(readFileSync(join(root, 'captures', file))));
}

/** Every recording of the repository, by its path under `captures/`. */
export function captureFiles(): string[] {
  const all = readdirSync(join(root, 'captures'), { recursive: true }) as string[];
  return all.filter(file => file.endsWith('.jsonl.gz')).sort();
}

export function sampleLines(): string[] {
  const all = readdirSync(samplesFolder, { recursive: true }) as string[];
  return all.filter(file => file.endsWith('.jsonl')).flatMap(file => lines(readFileSync(join(samplesFolder, file))));
}
