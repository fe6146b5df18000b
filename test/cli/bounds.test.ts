/** What a replay says of floods: of alerts in one incident, and of events that the sensors lost. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LIMITS } from '../../src/model/limits.ts';
import { spoor, temporaryFolder } from './cli.ts';

const RULE = `title: Anything runs
id: 0b1c2d3e-0000-4000-8000-000000000001
level: high
taxonomy: spoor
logsource: { kind: process_exec }
detection: { any: { process.binary|endswith: sh }, condition: any }
`;

const pod = { namespace: 'shop', name: 'web', container: { id: 'containerd://c1', name: 'web' } };
const processOf = (id: string, parent: string) => ({
  exec_id: id,
  parent_exec_id: parent,
  pid: 7,
  binary: '/bin/sh',
  start_time: '2026-01-01T00:00:00Z',
  docker: 'c1',
  pod,
});

it('tells of the incident that goes on for a full one, and of every event that was lost', async () => {
  const folder = temporaryFolder();
  const rules = join(folder, 'rule.yaml');
  const capture = join(folder, 'flood.jsonl');
  writeFileSync(rules, RULE);
  const time = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 10).toISOString();
  const execs = Array.from({ length: LIMITS.alertsPerIncidentMax + 1 }, (_, n) => ({
    process_exec: { process: processOf(`p${n}`, 'main'), parent: processOf('main', '') },
    node_name: 'n1',
    time: time(n),
  }));
  const lost = {
    lost_events: { source: 'HUBBLE_RING_BUFFER', num_events_lost: '4711' },
    node_name: 'n1',
    time: time(9_999),
  };
  writeFileSync(capture, [...execs, lost].map(line => `${JSON.stringify(line)}\n`).join(''));
  const { stdout, stderr } = await spoor(['replay', capture, '--rules', rules, '--no-default-rules']);
  expect(stderr).toContain('4711 known to be lost');
  expect(stderr).toContain('5,001 alerts in 2 incidents');
  expect(stdout).toMatch(
    /Incident .* 5,000 alerts(?:.*\n)*.*Incident .* 1 alert .*\n.*\n +continues [0-9a-f]+, which is full/,
  );
}, 60_000);
