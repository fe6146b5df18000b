/** Secrets and TLS material from configuration or files, read again when the file changes. */
import { readFileSync, statSync } from 'node:fs';

/** The secret's present value, without its trailing line end. Throws SecretUnreadable when its file never could be read. */
export type Secret = () => string;

export class SecretUnreadable extends Error {
  constructor(path: string, code: string) {
    super(`cannot read secret file ${path}: ${code}`);
    this.name = 'SecretUnreadable';
  }
}

/** The one of both twins that is set; null when neither is. */
export function secretOf(value: string | undefined, file: string | undefined): Secret | null {
  if (file !== undefined) return watched(file);
  return value === undefined ? null : () => value;
}

/** Mounted secrets change by a swapped symbolic link, so inode, size and time together tell. While unreadable, the last value holds. */
function watched(path: string): Secret {
  let stamp = '';
  let value: string | null = null;
  return () => {
    try {
      const { ino, size, mtimeMs } = statSync(path);
      const now = `${ino}:${size}:${mtimeMs}`;
      if (now !== stamp || value === null) {
        value = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
        stamp = now;
      }
    } catch (error) {
      if (value === null) throw new SecretUnreadable(path, (error as NodeJS.ErrnoException).code ?? 'unreadable');
    }
    return value;
  };
}

export interface TlsFiles {
  readonly ca_file?: string | undefined;
  readonly cert_file?: string | undefined;
  readonly key_file?: string | undefined;
  readonly server_name?: string | undefined;
  readonly insecure_skip_verify?: boolean | undefined;
}

export interface TlsMaterial {
  /** Changes when any of the files does. */
  readonly version: string;
  readonly options: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
  };
}

export function tlsOf(files: TlsFiles | undefined): (() => TlsMaterial) | null {
  if (files === undefined) return null;
  const ca = secretOf(undefined, files.ca_file);
  const cert = secretOf(undefined, files.cert_file);
  const key = secretOf(undefined, files.key_file);
  let contents: readonly (string | undefined)[] = [];
  let version = 0;
  return () => {
    const now = [ca?.(), cert?.(), key?.()];
    if (version === 0 || now.some((text, i) => text !== contents[i])) version += 1;
    contents = now;
    const [caText, certText, keyText] = now;
    return {
      version: String(version),
      options: {
        ...(caText === undefined ? {} : { ca: caText }),
        ...(certText === undefined ? {} : { cert: certText }),
        ...(keyText === undefined ? {} : { key: keyText }),
        ...(files.server_name === undefined ? {} : { servername: files.server_name }),
        rejectUnauthorized: files.insecure_skip_verify !== true,
      },
    };
  };
}
