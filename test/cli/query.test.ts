/** The queries from outside: against a database file, and against an API that runs here. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spoor, temporaryFolder } from './cli.ts';

describe('a database to read', () => {
  it('that is none is named with what it is, without a trace', async () => {
    const folder = temporaryFolder();
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    for (const [path, reason] of [
      [file('text', 'this is no database\n'.repeat(100)), 'is not a database'],
      [file('empty', ''), 'is not a database of Spoor'],
      [folder, 'is not a file'],
      [join(folder, 'nothing.db'), 'no such database'],
    ] as const) {
      const { code, stderr, stdout } = await spoor(['alerts', '--db', path]);
      expect(stderr).toMatch(/^spoor: [^\n]+\n$/);
      expect(stderr).toContain(path);
      expect(stderr).toContain(reason);
      expect([code, stdout]).toEqual([1, '']);
    }
  });
});

describe('a place for the database', () => {
  it('that cannot be is named with the reason, at once', async () => {
    const folder = temporaryFolder();
    const config = join(folder, 'spoor.yaml');
    writeFileSync(join(folder, 'file'), '');
    const places = [join(folder, 'file/x/spoor.db'), folder];
    if (process.platform === 'linux') places.push('/proc/foo/spoor.db');
    for (const path of places) {
      writeFileSync(config, `store: {path: '${path}'}\nsources: [{type: ingest}]\napi: {listen: '127.0.0.1:0'}\n`);
      const { code, stderr } = await spoor(['run', '--config', config]);
      expect(stderr).toContain(`spoor: the database ${path} cannot be used: `);
      expect(code).toBe(1);
    }
  });
});
