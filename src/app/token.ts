/** A token in a file: read again when the file changes; while it cannot be read, or is empty, the last good one holds. */
import { readFileSync, statSync } from 'node:fs';

/** The function throws while no token was ever read: nobody may come in for want of one. */
export function adminToken(path: string): () => string {
  let token = '';
  let version = '';
  return () => {
    try {
      // A mounted secret changes by a link: the file's identity tells, too.
      const { mtimeMs, ino, size } = statSync(path);
      const now = `${mtimeMs} ${ino} ${size}`;
      if (now !== version) {
        token = readFileSync(path, 'utf8').trim() || token;
        version = now;
      }
    } catch (error) {
      if (token === '') throw error;
    }
    return token;
  };
}
