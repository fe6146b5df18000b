/** Files of an export by their names: the ones that are written to, and their rotated backups. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

/** lumberjack's time, which sorts as text. */
const STAMP = /^-(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3})$/;
/** logrotate's number, of which a higher one is older, or its date. */
const SUFFIX = /^[.-](\d{1,4}|\d{8}(?:-\d+)?)$/;
/** Names that are a backup's whatever else is there. `node-1` is not one of them: it is as often a file of its own. */
const BACKUP = /.(?:-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}(?:\.[^.]*)?|\.\d{1,4}|[.-]\d{8}(?:-\d+)?|\.gz)$/s;

export interface Backup {
  readonly path: string;
  readonly compressed: boolean;
}

/**
 * Paths of files that a pattern names, whose last part may hold `*` and `?`. Rotated backups are left out, also while the file
 * that they belong to is not there: it is missing between a rename and the first line of the next file.
 */
export async function livePaths(pattern: string): Promise<string[]> {
  const name = basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const source = [...name]
    .map(c => (c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[\\^$.+()[\]{}|]/, '\\$&')))
    .join('');
  const matcher = new RegExp(`^${source}$`, 's');
  const found = await readdir(dirname(pattern), { withFileTypes: true }).catch(() => []);
  const files = found.filter(one => one.isFile() || one.isSymbolicLink());
  const names = files.map(one => one.name).filter(one => matcher.test(one));
  const live = names.filter(one => !BACKUP.test(one) && !names.some(other => rankOf(other, one) !== null));
  return live.sort().map(one => join(dirname(pattern), one));
}

/** Backups of the file at `path`, oldest first. Where both forms of one exist, the uncompressed one, which is complete. */
export async function backupsOf(path: string): Promise<Backup[]> {
  const live = basename(path);
  const found = new Map<string, { backup: Backup; rank: string }>();
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const rank = rankOf(live, name);
    if (rank === null) continue;
    const compressed = name.endsWith('.gz');
    if (compressed && found.has(rank)) continue;
    found.set(rank, { backup: { path: join(dirname(path), name), compressed }, rank });
  }
  return [...found.values()].sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(one => one.backup);
}

/** A text by which backups of `live` sort from old to new; null when `name` is none. */
function rankOf(live: string, name: string): string | null {
  const plain = name.endsWith('.gz') ? name.slice(0, -3) : name;
  const extension = extname(live);
  const stem = live.slice(0, live.length - extension.length);
  if (plain.startsWith(stem) && plain.endsWith(extension)) {
    const stamp = STAMP.exec(plain.slice(stem.length, plain.length - extension.length));
    if (stamp !== null) return stamp[1] as string;
  }
  const suffix = plain.startsWith(live) ? SUFFIX.exec(plain.slice(live.length)) : null;
  if (suffix === null) return null;
  const number = suffix[1] as string;
  return number.length <= 4 ? String(9_999 - Number(number)).padStart(4, '0') : number;
}

/** `<device>:<inode>`, size and time of the last write, or null when nothing is there. */
export async function identityOf(path: string): Promise<{ inode: string; size: number; written: number } | null> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return null;
  return { inode: `${found.dev}:${found.ino}`, size: found.size, written: found.mtimeMs };
}
