/** `spoor rules new` from each thing that a rule can be made of. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spoor, temporaryFolder } from '../cli/cli.ts';
import { eventsOf } from './recorded.ts';

const capture = 'captures/lateral-movement/tetragon.jsonl.gz';
const netcat = eventsOf('lateral-movement').find(
  event => event.kind === 'process_exec' && event.process.binary.includes('nc.traditional'),
);

it('makes rules from a template, a process of a capture, and an event', async () => {
  const out = join(temporaryFolder(), 'own.yaml');
  expect(await spoor(['rules', 'new', '--template', 'dns', '--author', 'Me', '--out', out])).toMatchObject({ code: 0 });
  expect(readFileSync(out, 'utf8')).toContain('author: "Me"');
  expect(await spoor(['rules', 'new', '--template', 'dns', '--out', out])).toMatchObject({ code: 1 });
  if (netcat?.kind !== 'process_exec') throw new Error('no netcat in the recording');
  const ofProcess = await spoor(['rules', 'new', '--from', capture, '--exec-id', netcat.process.execId]);
  const ofEvent = await spoor(['rules', 'new', '--event', '-'], { stdin: netcat.raw.line() });
  for (const { code, stdout } of [ofProcess, ofEvent]) {
    expect(code).toBe(0);
    expect(stdout).toContain('process.name: nc.traditional');
    expect(stdout).toContain('parent.name: sh');
  }
}, 60_000);

it('says what is wrong', async () => {
  const wrong = async (...args: string[]): Promise<[number | null, string]> => {
    const { code, stderr } = await spoor(['rules', 'new', ...args], { stdin: 'not json' });
    return [code, stderr.split('\n')[0] ?? ''];
  };
  expect(await wrong()).toEqual([2, expect.stringContaining('say what to begin with')]);
  expect(await wrong('--template', 'nothing')).toEqual([2, expect.stringContaining('there is no template nothing')]);
  expect(await wrong('--exec-id', 'x')).toEqual([2, expect.stringContaining('--from')]);
  expect(await wrong('--event', '-')).toEqual([1, expect.stringContaining('not an event')]);
  expect(await wrong('--from', capture, '--exec-id', 'x')).toEqual([1, expect.stringContaining('no process')]);
}, 60_000);
