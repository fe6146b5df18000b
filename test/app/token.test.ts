import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { adminToken } from '../../src/app/token.ts';

it('follows its file, and holds the last good token while there is none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-token-'));
  try {
    const path = join(folder, 'token');
    const token = adminToken(path);
    // Without a token ever read nobody may be let in: not "no token".
    expect(token).toThrow();
    writeFileSync(path, 'first\n');
    expect(token()).toBe('first');
    writeFileSync(join(folder, 'next'), 'second-one\n');
    renameSync(join(folder, 'next'), path);
    expect(token()).toBe('second-one');
    writeFileSync(path, '');
    expect(token()).toBe('second-one');
    rmSync(path);
    expect(token()).toBe('second-one');
    writeFileSync(path, 'third');
    expect(token()).toBe('third');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
