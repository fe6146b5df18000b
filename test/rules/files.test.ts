/** Rule folders as they are found: links in circles, pipes, what may not be read. One bad entry never hides the others. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, readRuleFiles } from '../../src/rule-files.ts';
import { loadRules } from '../../src/rules/load.ts';

const RULE = `title: Netcat
id: 9d6f4d31-6cf5-4f7c-8a52-5b53d7a1c002
level: low
taxonomy: spoor
logsource: {category: process_creation}
detection: {sel: {process.name: nc}}
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-rules-'));
  writeFileSync(join(folder, 'rule.yaml'), RULE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const faults = () => {
  const { rules, diagnostics } = loadRules(readRuleFiles([folder]));
  expect(rules.map(({ title }) => title)).toEqual(['Netcat']);
  return diagnostics.filter(({ severity }) => severity === 'error').map(({ code, message }) => `${code}: ${message}`);
};

describe('a folder of rules', () => {
  it('is read once, wherever its links lead', () => {
    symlinkSync('.', join(folder, 'again'));
    symlinkSync('rule.yaml', join(folder, 'twin.yaml'));
    mkdirSync(join(folder, 'x'));
    symlinkSync('..', join(folder, 'x', 'up'));
    expect(faults()).toEqual([]);
    expect(readRuleFiles([folder, join(folder, 'rule.yaml'), `${folder}/x/..`])).toHaveLength(1);
  });

  it('does not grow with every way through it', () => {
    let at = folder;
    for (let depth = 0; depth < 30; depth++) {
      const next = join(folder, `level${depth}`);
      mkdirSync(next);
      symlinkSync(next, join(at, 'left'));
      symlinkSync(next, join(at, 'right'));
      at = next;
    }
    expect(faults()).toEqual([]);
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ['a pipe', file => execFileSync('sh', ['-c', 'mkfifo "$0"', file]), /not a regular file/],
    [
      'a file of 100 MB',
      file => {
        writeFileSync(file, '');
        truncateSync(file, 100_000_000);
      },
      /larger than 4194304 bytes/,
    ],
    ['a link to nowhere', file => symlinkSync('nowhere', file), /ENOENT/],
    ['a link to itself', file => symlinkSync(file, file), /ELOOP/],
    ['a device', file => symlinkSync('/dev/zero', file), /not a regular file/],
    ['a file whose disk fails', file => symlinkSync('/proc/self/mem', file), /EIO/],
    ['a recording', file => writeFileSync(file, gzipSync('{}')), /gzip, as recordings are/],
    ['other bytes than UTF-8', file => writeFileSync(file, Buffer.from([0x61, 0x3a, 0x20, 0xe9])), /not UTF-8/],
  ])('tells of %s, and loads the rest', (_, make, message) => {
    const before = fingerprint(readRuleFiles([folder]));
    make(join(folder, 'bad.yaml'));
    expect(faults()).toEqual([expect.stringMatching(message)]);
    expect(faults()[0]).toMatch(/^unreadable-file: /);
    expect(fingerprint(readRuleFiles([folder]))).not.toBe(before);
  });

  it('passes over what is no rule file', () => {
    symlinkSync('nowhere', join(folder, 'broken'));
    execFileSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'pipe')]);
    expect(faults()).toEqual([]);
  });
});
