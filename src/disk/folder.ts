/** Making folders, with errors that say which one and why. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A folder cannot be made; `code` is the system's. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
  readonly code: string;
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  EDQUOT: 'the quota is used up',
  // Its parent is there: some file systems, such as /proc, have only folders of their own.
  ENOENT: 'its file system takes no new folders',
  ENAMETOOLONG: 'its name is too long',
};

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error';

const cannot = (folder: string, error: unknown): FolderError =>
  new FolderError(`the folder ${folder} cannot be made: ${REASONS[codeOf(error)] ?? codeOf(error)}`, codeOf(error), {
    cause: error,
  });

/** Throws when it is something else, or cannot be looked at. */
function isThere(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    // ENOTDIR: what stands in the way is found further up.
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return false;
    throw cannot(path, error);
  }
  throw new FolderError(`${path} is a file: a folder is needed there`, 'ENOTDIR');
}

/**
 * Makes a folder and the missing ones above it, each with this mode. One at a time: Node's own `recursive` never returns where the
 * file system answers that a folder's existing parent does not exist, as /proc does.
 */
export function makeFolder(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = resolve(path); !isThere(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      // Somebody else may have made it meanwhile.
      if (codeOf(error) !== 'EEXIST' || !isThere(folder)) throw cannot(folder, error);
    }
  }
}
