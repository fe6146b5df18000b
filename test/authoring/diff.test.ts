/** Two rule sets over the same events, through the command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spoor, temporaryFolder } from '../cli/cli.ts';

const CAPTURE = ['captures/lateral-movement/tetragon.jsonl.gz', 'captures/lateral-movement/hubble.jsonl.gz'];
const rule = `title: Netcat
id: 4f2cbb51-0f53-4d43-9d25-2b8a87a4a001
level: high
taxonomy: spoor
logsource: { category: process_creation }
detection:
  netcat: { process.name: 'nc.*' }
  condition: netcat
`;

it('tells alerts gained, lost and changed', async () => {
  const folder = temporaryFolder();
  const [old, now, none] = ['old.yaml', 'now.yaml', 'none.yaml'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(old, rule);
  writeFileSync(now, rule.replace(/^level: .*$/m, 'level: low'));
  writeFileSync(none, rule.replace('nc.*', 'another'));
  const changes = async (before: string, after: string): Promise<unknown[]> => {
    const { stdout } = await spoor(['rules', 'diff', before, after, ...CAPTURE, '-o', 'json']);
    return stdout
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as { change: string; changes?: { what: string; before: string; after: string }[] })
      .map(({ change, changes: what }) => [change, what?.filter(one => one.what !== 'message')]);
  };
  expect(await changes(old, old)).toEqual([]);
  expect(await changes(old, now)).toEqual([['changed', [{ what: 'level', before: 'high', after: 'low' }]]]);
  expect(await changes(old, none)).toEqual([['lost', undefined]]);
  expect(await changes(none, old)).toEqual([['gained', undefined]]);
  expect((await spoor(['rules', 'diff', old, now, ...CAPTURE, '--fail-on-change'])).code).toBe(1);
  expect((await spoor(['rules', 'diff', old, old, ...CAPTURE, '--fail-on-change'])).code).toBe(0);
}, 60_000);
