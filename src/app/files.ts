/** Files that a configuration names, tried before anything starts: who started the program still looks at the screen. */
import { accessSync, constants } from 'node:fs';

export interface UnreadableFile {
  /** Where the configuration names it, such as `sinks.soc.webhook_url_file`. */
  readonly key: string;
  readonly problem: string;
}

/** Every `…_file` below `settings` that cannot be read now. */
export function unreadableFiles(settings: unknown, key = ''): UnreadableFile[] {
  if (typeof settings !== 'object' || settings === null) return [];
  return Object.entries(settings).flatMap(([name, value]) => {
    const path = key === '' ? name : `${key}.${name}`;
    if (!name.endsWith('_file') || typeof value !== 'string') return unreadableFiles(value, path);
    try {
      accessSync(value, constants.R_OK);
      return [];
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return [{ key: path, problem: `${value} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`}` }];
    }
  });
}
