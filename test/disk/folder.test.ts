import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/disk/folder.ts';

describe('making a folder', () => {
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'spoor-folder-'));
  });
  afterEach(() => {
    chmodSync(base, 0o700);
    rmSync(base, { recursive: true, force: true });
  });

  it('makes what is missing above it too, each with the mode, and is content when all is there', () => {
    const path = join(base, 'a', 'b', 'c');
    makeFolder(path, 0o700);
    for (const made of [path, join(base, 'a')]) expect(statSync(made).mode & 0o777).toBe(0o700);
    makeFolder(path);
    makeFolder(`${path}/`);
    makeFolder(join(path, '..', 'd'));
    expect(statSync(join(base, 'a', 'b', 'd')).isDirectory()).toBe(true);
  });

  it('goes through symbolic links to folders, and says so when one leads nowhere', () => {
    makeFolder(join(base, 'real'));
    symlinkSync(join(base, 'real'), join(base, 'link'));
    makeFolder(join(base, 'link', 'x'));
    expect(statSync(join(base, 'real', 'x')).isDirectory()).toBe(true);
    symlinkSync(join(base, 'nowhere'), join(base, 'broken'));
    expect(() => makeFolder(join(base, 'broken', 'x'))).toThrow(join(base, 'broken'));
  });

  it('names the file that stands in its place', () => {
    writeFileSync(join(base, 'file'), '');
    for (const path of ['file', 'file/a', 'file/a/b']) {
      expect(() => makeFolder(join(base, path)), path).toThrow(`${join(base, 'file')} is a file`);
    }
  });

  it.skipIf(process.getuid?.() === 0)('says that it may not', () => {
    chmodSync(base, 0o500);
    expect(() => makeFolder(join(base, 'a', 'b'))).toThrow(
      `the folder ${join(base, 'a')} cannot be made: permission denied`,
    );
  });

  // Node's own recursive mkdir runs for ever here.
  it.skipIf(process.platform !== 'linux')('ends at once where no folder can ever be', () => {
    expect(() => makeFolder('/proc/foo/bar')).toThrow('the folder /proc/foo cannot be made');
  });

  it('says that a name is too long', () => {
    expect(() => makeFolder(join(base, 'x'.repeat(300)))).toThrow('too long');
  });
});
