import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import type { Event } from '../../src/model/event.ts';
import { ancestorsOf, type Process, type ProcessFacts } from '../../src/model/process.ts';
import { execEvent, exitEvent, kprobeEvent, podFacts, processFacts, sockArg, when } from '../support/events.ts';

function fold(events: readonly Event[]): Context {
  const context = new Context();
  for (const event of events) context.observe(event);
  return context;
}

function known(context: Context, execId: string): Process {
  const process = context.process(execId);
  if (process === null) throw new Error(`no process ${execId}`);
  return process;
}

const ids = (processes: readonly Process[]): string[] => processes.map(process => process.execId);

describe('ancestry', () => {
  it('links a process to the parent and ancestors that its event embeds', () => {
    const init = processFacts('init', { pid: 1 });
    const shim = processFacts('shim', { pid: 2, parentExecId: 'init' });
    const sh = processFacts('sh', { pid: 3, parentExecId: 'shim', start: 1 });
    const context = fold([execEvent(sh, { parent: shim, ancestors: [init] })]);
    expect(ids(ancestorsOf(known(context, 'sh')))).toEqual(['shim', 'init']);
    expect(known(context, 'shim').execSeen).toBe(false);
    expect(context.stats().placeholders).toBe(0);
  });

  it('holds a place for a parent that comes later, and fills it then', () => {
    const parent = processFacts('parent', { pid: 5, binary: '/bin/sh', start: 0 });
    const child = processFacts('child', { pid: 6, parentExecId: 'parent', start: 1 });
    const context = fold([execEvent(child)]);
    const place = known(context, 'parent');
    expect(place).toMatchObject({ placeholder: true, execSeen: false });
    expect(place.facts.binary).toBe('');
    context.observe(execEvent(parent, { at: 2 }));
    expect(known(context, 'parent')).toBe(place);
    expect(place).toMatchObject({ placeholder: false, execSeen: true });
    expect(place.facts.binary).toBe('/bin/sh');
    expect(ids([...place.children])).toEqual(['child']);
  });

  it('ends at the kernel, which is its own parent, and never runs in a circle', () => {
    const kernel = processFacts('kernel', { pid: 0, parentExecId: 'kernel', binary: '<kernel>', flags: 'procFS' });
    const a = processFacts('a', { pid: 10, parentExecId: 'b', start: 1 });
    const b = processFacts('b', { pid: 11, parentExecId: 'a', start: 2 });
    const context = fold([execEvent(kernel), execEvent(a), execEvent(b)]);
    expect(known(context, 'kernel').parent).toBeNull();
    expect(ids(ancestorsOf(known(context, 'a')))).toEqual(['b']);
    expect(known(context, 'b').parent).toBeNull();
  });

  it('learns nothing bad from an event without parent, and nothing from an unknown block', () => {
    const parent = processFacts('parent', { pid: 5 });
    const child = processFacts('child', { pid: 6, parentExecId: 'parent', binary: '/bin/nc', start: 1 });
    const blank = processFacts('child', { pid: 6, binary: '', flags: 'unknown', start: 1 });
    const context = fold([execEvent(child, { parent }), exitEvent(blank, { at: 3 })]);
    expect(known(context, 'child').facts.binary).toBe('/bin/nc');
    expect(known(context, 'child').parent?.execId).toBe('parent');
  });
});

describe('exec and fork', () => {
  it('exec without fork replaces the image, which ends without an exit event', () => {
    const nc = processFacts('nc', { pid: 7, binary: '/bin/nc', start: 1 });
    const bash = processFacts('bash', { pid: 7, parentExecId: 'nc', binary: '/bin/bash', flags: 'execve', start: 3 });
    const context = fold([execEvent(nc), execEvent(bash, { parent: nc })]);
    expect(known(context, 'nc')).toMatchObject({ exitTime: when(3), exitStatus: null });
    expect(known(context, 'nc').replacedBy?.execId).toBe('bash');
    expect(known(context, 'bash').replaced?.execId).toBe('nc');
    context.observe(exitEvent(bash, { at: 9, status: 4 }));
    expect(known(context, 'nc').exitTime).toBe(when(3));
    expect(known(context, 'bash')).toMatchObject({ exitTime: when(9), exitStatus: 4 });
  });

  it('a replaced image that is told of only afterwards is joined to its successor too', () => {
    const nc = processFacts('nc', { pid: 7, binary: '/bin/nc', start: 1 });
    const bash = processFacts('bash', { pid: 7, parentExecId: 'nc', binary: '/bin/bash', flags: 'execve', start: 3 });
    const context = fold([execEvent(bash), execEvent(nc, { at: 4 })]);
    expect(known(context, 'bash').replaced?.execId).toBe('nc');
    expect(known(context, 'nc')).toMatchObject({ exitTime: when(3) });
  });

  it('a fork that never called exec is known by its hook, and by pid what it became', () => {
    const bash = processFacts('bash', { pid: 20, binary: '/bin/bash', arguments: '-c "…"', start: 1 });
    const fork = processFacts('fork', { ...bash, pid: 21, parentExecId: 'bash', flags: 'execve', start: 2 });
    const shell = processFacts('shell', {
      pid: 21,
      parentExecId: 'bash',
      binary: '/bin/bash',
      arguments: '-i',
      start: 2.1,
    });
    const context = fold([
      execEvent(bash),
      kprobeEvent(fork, 'tcp_connect', [sockArg('tcp 10.0.0.1:1000 > 192.0.2.1:4444')], { parent: bash, at: 2.05 }),
      execEvent(shell, { parent: bash }),
    ]);
    expect(known(context, 'fork')).toMatchObject({ execSeen: false, exitTime: when(2.1) });
    expect(known(context, 'shell').replaced?.execId).toBe('fork');
    expect(known(context, 'fork').replacedBy?.execId).toBe('shell');
    expect(known(context, 'shell').parent?.execId).toBe('bash');
    expect(known(context, 'fork').connections).toHaveLength(1);
    expect(known(context, 'shell').connections).toHaveLength(0);
  });

  it('a forked child of the same program is no successor of its parent', () => {
    const server = processFacts('server', { pid: 30, start: 1 });
    const worker = processFacts('worker', { pid: 31, parentExecId: 'server', flags: 'execve', start: 2 });
    const context = fold([execEvent(server), exitEvent(worker, { parent: server, at: 5, status: 1 })]);
    expect(known(context, 'worker')).toMatchObject({
      execSeen: false,
      exitTime: when(5),
      exitStatus: 1,
      replaced: null,
    });
    expect(known(context, 'server').exitTime).toBeNull();
  });

  it('takes an exit before its exec, an exit without exec, and events after the exit', () => {
    const early = processFacts('early', { pid: 40, start: 1 });
    const context = fold([exitEvent(early, { at: 2, signal: 'SIGKILL', status: null }), execEvent(early, { at: 1 })]);
    expect(known(context, 'early')).toMatchObject({
      execSeen: true,
      exitTime: when(2),
      exitSignal: 'SIGKILL',
      exitStatus: null,
    });
    context.observe(kprobeEvent(early, 'security_file_permission', [], { at: 3 }));
    expect(known(context, 'early')).toMatchObject({ exitTime: when(2), lastSeen: when(3) });
  });

  it('ends whoever held a pid before, when it is used again', () => {
    const old = processFacts('old', { pid: 50, start: 1 });
    const young = processFacts('young', { pid: 50, parentExecId: 'other', start: 100 });
    const context = fold([execEvent(old), execEvent(young)]);
    expect(known(context, 'old')).toMatchObject({ exitTime: when(100), replacedBy: null });
    expect(known(context, 'young').exitTime).toBeNull();
  });

  it('follows one pid through many images', () => {
    const context = new Context();
    for (let i = 0; i < 5; i++) {
      const facts = processFacts(`i${i}`, { pid: 50, parentExecId: `unrelated-${i}`, start: i });
      context.observe(execEvent(facts));
    }
    const ends = [0, 1, 2, 3, 4].map(i => known(context, `i${i}`).exitTime);
    expect(ends).toEqual([when(1), when(2), when(3), when(4), null]);
  });

  it('the same pid on another node is another process', () => {
    const one = processFacts('one', { pid: 50, start: 1 });
    const two = processFacts('two', { pid: 50, start: 2 });
    const context = fold([execEvent(one, { node: 'worker-1' }), execEvent(two, { node: 'worker-2' })]);
    expect(known(context, 'one').exitTime).toBeNull();
  });
});

describe('an agent that starts anew', () => {
  const before: ProcessFacts = processFacts('by-exec', {
    pid: 60,
    binary: '/usr/bin/python3',
    start: 10.0034,
    pod: 'ns/app',
  });
  const after = processFacts('by-scan', { pid: 60, binary: '/usr/bin/python3.11', flags: 'procFS', start: 10.0 });

  it('names the same process anew: both ids are one node, and its tree goes on', () => {
    const child = processFacts('child', { pid: 61, parentExecId: 'by-scan', start: 30 });
    const context = fold([execEvent(before), execEvent(after), execEvent(child, { parent: after })]);
    expect(known(context, 'by-scan')).toBe(known(context, 'by-exec'));
    expect(known(context, 'by-exec').execId).toBe('by-exec');
    expect(known(context, 'by-exec').facts.binary).toBe('/usr/bin/python3');
    expect(known(context, 'child').parent?.execId).toBe('by-exec');
    expect(known(context, 'child').pod?.name).toBe('app');
    expect(context.stats().processesRenamed).toBe(1);
    context.observe(exitEvent(after, { at: 40 }));
    expect(known(context, 'by-exec').exitTime).toBe(when(40));
    expect([...context.processes()].filter(process => process.execId === 'by-exec')).toHaveLength(1);
  });

  it('also when the scan is read first', () => {
    const context = fold([execEvent(after), execEvent(before)]);
    expect(known(context, 'by-exec')).toBe(known(context, 'by-scan'));
  });

  it('a process that had forked long before it called exec is still the same', () => {
    const scanned = processFacts('scanned', { pid: 60, binary: '/usr/bin/python3.11', flags: 'procFS', start: 4.0 });
    const context = fold([execEvent(before), execEvent(scanned)]);
    expect(known(context, 'scanned')).toBe(known(context, 'by-exec'));
  });

  it('but another program, or a later one with the same pid, is not', () => {
    const other = processFacts('other', { pid: 60, binary: '/usr/sbin/nginx', flags: 'procFS', start: 500 });
    const same = processFacts('same', { pid: 60, binary: '/usr/bin/python3', start: 900 });
    const context = fold([execEvent(before), execEvent(other), execEvent(same)]);
    expect(known(context, 'other')).not.toBe(known(context, 'by-exec'));
    expect(known(context, 'by-exec').exitTime).toBe(when(500));
    expect(known(context, 'same')).not.toBe(known(context, 'by-exec'));
  });
});

describe('pods', () => {
  const container = `containerd://${'ab'.repeat(32)}`;
  const docker = 'ab'.repeat(32).slice(0, 31);
  const inPod = podFacts('shop/web', {
    container: {
      id: container,
      name: 'web',
      imageId: '',
      imageName: '',
      startTime: null,
      maybeExecProbe: false,
      privileged: null,
    },
  });
  const isHost = { inum: 1, isHost: true };

  it('are found by the container id when the block has no pod', () => {
    const first = processFacts('first', { pid: 70, pod: inPod, docker });
    const lone = processFacts('lone', { pid: 71, docker, start: 1 });
    const context = fold([execEvent(first), execEvent(lone)]);
    expect(known(context, 'lone').pod).toBe(inPod);
  });

  it('are found by the container id also when it is learned later', () => {
    const lone = processFacts('lone', { pid: 71, docker });
    const first = processFacts('first', { pid: 70, pod: inPod, docker, start: 1 });
    const context = fold([execEvent(lone), execEvent(first), kprobeEvent(lone, 'x', [], { at: 2 })]);
    expect(known(context, 'lone').pod).toBe(inPod);
  });

  it('pass to children of the same container, and to children that were known before', () => {
    const parent = processFacts('parent', { pid: 70, pod: inPod, docker });
    const child = processFacts('child', { pid: 72, parentExecId: 'parent', start: 1 });
    const context = fold([execEvent(child), execEvent(parent, { at: 2 })]);
    expect(known(context, 'child').pod?.name).toBe('web');
  });

  it('do not pass to another container, nor to a process in the host’s namespaces', () => {
    const parent = processFacts('parent', { pid: 70, pod: inPod, docker });
    const elsewhere = processFacts('elsewhere', {
      pid: 73,
      parentExecId: 'parent',
      docker: 'cd'.repeat(16).slice(0, 31),
      start: 1,
    });
    const onHost = processFacts('on-host', {
      pid: 74,
      parentExecId: 'parent',
      ns: { mnt: isHost, pid: isHost },
      start: 1,
    });
    const context = fold([execEvent(parent), execEvent(elsewhere), execEvent(onHost)]);
    expect(known(context, 'elsewhere').pod).toBeNull();
    expect(known(context, 'on-host').pod).toBeNull();
  });

  it('stay with a process that entered the host’s namespaces: its cgroup tells', () => {
    const escaped = processFacts('escaped', { pid: 75, pod: inPod, docker, ns: { mnt: isHost, pid: isHost } });
    expect(known(fold([execEvent(escaped)]), 'escaped').pod).toBe(inPod);
  });

  it('come late: an incomplete event, then a whole one', () => {
    const bare = processFacts('p', { pid: 76 });
    const whole = processFacts('p', { pid: 76, pod: inPod, docker });
    const context = fold([execEvent(bare), kprobeEvent(whole, 'x', [], { at: 1 })]);
    expect(known(context, 'p').pod).toBe(inPod);
  });
});
