import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import { type ProcessTree, podList, podTree, processTree } from '../../src/context/views.ts';
import { execEvent, exitEvent, flowEvent, kprobeEvent, processFacts, sockArg, when } from '../support/events.ts';
import { eventsOf, merged } from './recordings.ts';

const outline = (tree: ProcessTree, depth = 0): string[] => [
  `${'  '.repeat(depth)}${tree.process.binary}${tree.connections.map(c => ` → ${c.server.names[0] ?? c.server.ip}:${c.server.port}`).join('')}`,
  ...tree.children.flatMap(child => outline(child, depth + 1)),
];

describe('trees', () => {
  const host = processFacts('runc', { pid: 2, binary: 'runc', start: -10 });
  const server = processFacts('server', { pid: 10, binary: 'server', pod: 'ns/app', parentExecId: 'runc', start: 0 });
  const bash = processFacts('bash', { pid: 11, binary: 'bash', pod: 'ns/app', parentExecId: 'server', start: 1 });
  const fork = processFacts('fork', {
    ...bash,
    pid: 12,
    pod: 'ns/app',
    parentExecId: 'bash',
    start: 2,
    flags: 'execve',
  });
  const shell = processFacts('shell', { pid: 12, binary: 'bash -i', pod: 'ns/app', parentExecId: 'bash', start: 3 });
  const late = processFacts('late', { pid: 13, binary: 'late', pod: 'ns/app', parentExecId: 'server', start: 50 });

  function scene(): Context {
    const context = new Context();
    context.observe(execEvent(server, { parent: host }));
    context.observe(execEvent(bash));
    context.observe(kprobeEvent(fork, 'tcp_connect', [sockArg('tcp 10.0.0.1:1000 > 192.0.2.9:4444')], { at: 2 }));
    context.observe(execEvent(shell));
    context.observe(flowEvent('udp 10.0.0.1:999 > 10.96.0.10:53', { at: 4, from: 'ns/app', isReply: false }));
    context.observe(execEvent(late));
    context.observe(exitEvent(late, { at: 60, status: 3 }));
    return context;
  }

  it('show the pod’s processes with what they opened, and apart what started them', () => {
    const tree = podTree(scene(), 'ns', 'app');
    expect(tree?.roots).toHaveLength(1);
    expect(tree?.roots[0]?.startedBy.map(process => process.execId)).toEqual(['runc']);
    expect(outline(tree?.roots[0]?.tree as ProcessTree)).toEqual([
      'server',
      '  bash',
      '    bash → 192.0.2.9:4444',
      '      bash -i',
      '  late',
    ]);
    expect(tree?.unattributed.map(connection => connection.server.ip)).toEqual(['10.96.0.10']);
    expect(JSON.parse(JSON.stringify(tree))).toEqual(tree);
  });

  it('as of a time', () => {
    const tree = podTree(scene(), 'ns', 'app', when(2.5));
    expect(outline(tree?.roots[0]?.tree as ProcessTree)).toEqual(['server', '  bash', '    bash → 192.0.2.9:4444']);
    expect(tree?.unattributed).toEqual([]);
  });

  it('as of a time before an end, show it running', () => {
    const find = (at: number) => processTree(scene(), 'late', when(at))?.tree.process;
    expect(find(55)).toMatchObject({ exitTime: null, exitStatus: null });
    expect(find(70)).toMatchObject({ exitTime: when(60), exitStatus: 3 });
  });

  it('of one process, with its ancestors nearest first', () => {
    const tree = processTree(scene(), 'shell');
    expect(tree?.startedBy.map(process => process.execId)).toEqual(['bash', 'server', 'runc']);
    expect(tree?.tree.process.replaces).toBe('fork');
    expect(processTree(scene(), 'nobody')).toBeNull();
    expect(podTree(scene(), 'ns', 'nobody')).toBeNull();
    expect(podList(scene())).toEqual([{ namespace: 'ns', name: 'app', processes: 5 }]);
  });

  it('are the same whatever the order of events that do not touch each other', () => {
    const one = new Context();
    const two = new Context();
    const events = [execEvent(server), execEvent(bash), execEvent(late)];
    for (const event of events) one.observe(event);
    for (const event of [...events].reverse()) two.observe(event);
    const draw = (context: Context) => outline(podTree(context, 'ns', 'app')?.roots[0]?.tree as ProcessTree);
    expect(draw(two)).toEqual(draw(one));
  });
});

it('draws the recorded break-in', () => {
  const context = new Context();
  for (const event of merged(eventsOf('lateral-movement', 'tetragon'), eventsOf('lateral-movement', 'hubble')))
    context.observe(event);
  const crawler = podList(context).find(pod => pod.name.startsWith('crawler'));
  const tree = podTree(context, crawler?.namespace ?? '', crawler?.name ?? '');
  const lines = tree?.roots.flatMap(root => outline(root.tree)) ?? [];
  const shell = lines.findIndex(line => line.includes('nc.traditional'));
  expect(
    lines.slice(shell - 1, shell + 8).map(line => line.replace(/ → 10\.96\.0\.10:53/g, '')),
  ).toMatchInlineSnapshot(`
    [
      "  /bin/sh",
      "    /usr/bin/nc.traditional → 198.51.100.66:4444",
      "      /bin/bash",
      "        /usr/bin/id",
      "        /usr/bin/cat",
      "        /usr/bin/curl → elasticsearch.tenant-jobs.svc.cluster.local:9200",
      "        /usr/bin/curl → exfil-bucket.s3.amazonaws.com:443",
      "        /usr/bin/rm",
      "/usr/bin/sh",
    ]
  `);
});
