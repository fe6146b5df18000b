import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import { podTree, processTree } from '../../src/context/views.ts';
import { ancestorsOf } from '../../src/model/process.ts';
import { formatInstant } from '../../src/model/time.ts';
import {
  execEvent,
  exitEvent,
  flowEvent,
  kprobeEvent,
  lostEvents,
  podFacts,
  processFacts,
  sockArg,
  when,
} from '../support/events.ts';

const LIMITS = {
  processesMax: 2_000,
  processesPerPodMax: 500,
  exitedPerPodMax: 100,
  connectionsMax: 1_000,
  connectionsPerPodMax: 200,
  connectionsPerProcessMax: 20,
  dnsNamesPerPodMax: 50,
  podsMax: 300,
};

const calmPod = podFacts('calm/app');
const hotPod = podFacts('hot/app');

/** A quiet pod with a server, its shell, and a connection. */
function calm(context: Context): void {
  const server = processFacts('calm-server', { pid: 1, pod: calmPod, start: 0 });
  const shell = processFacts('calm-shell', { pid: 2, pod: calmPod, parentExecId: 'calm-server', start: 1 });
  context.observe(execEvent(server));
  context.observe(execEvent(shell, { parent: server }));
  context.observe(kprobeEvent(shell, 'tcp_connect', [sockArg('tcp 10.0.0.1:1000 > 198.51.100.7:443')], { at: 2 }));
}

function expectCalm(context: Context): void {
  expect(context.process('calm-shell')?.parent?.execId).toBe('calm-server');
  const flow = flowEvent('tcp 10.0.0.1:1000 > 198.51.100.7:443', { at: 3, from: 'calm/app' });
  expect(context.observe(flow).process?.execId).toBe('calm-shell');
}

describe('floods stay within their pod’s bounds', () => {
  it('a fork bomb', () => {
    const context = new Context(LIMITS);
    calm(context);
    const root = processFacts('root', { pid: 9, pod: hotPod });
    context.observe(execEvent(root));
    for (let i = 0; i < 20_000; i++) {
      context.observe(
        execEvent(processFacts(`bomb-${i}`, { pid: 1_000 + i, pod: hotPod, parentExecId: 'root', start: i / 1_000 })),
      );
    }
    const stats = context.stats();
    expect(stats.processes).toBeLessThanOrEqual(503);
    expect(stats.processesEvictedLive).toBeGreaterThanOrEqual(19_500);
    expect([...context.processes()]).toHaveLength(stats.processes);
    expect(context.process('root')).not.toBeNull();
    expect(context.process('bomb-19999')?.parent?.execId).toBe('root');
    expect(context.process('root')?.children.size).toBeLessThanOrEqual(500);
    expectCalm(context);
  });

  it('processes that start and end: few ended ones are kept, none that runs is lost', () => {
    const context = new Context(LIMITS);
    calm(context);
    const root = processFacts('root', { pid: 9, pod: hotPod });
    context.observe(execEvent(root));
    for (let i = 0; i < 5_000; i++) {
      const child = processFacts(`child-${i}`, { pid: 1_000 + i, pod: hotPod, parentExecId: 'root', start: i });
      context.observe(execEvent(child));
      context.observe(exitEvent(child, { at: i + 0.5 }));
    }
    expect(context.stats()).toMatchObject({ processes: 103, processesEvictedLive: 0 });
    expect(context.process('child-4999')).not.toBeNull();
    expectCalm(context);
  });

  it('a tree 100,000 deep, by fork and by exec over the same pid', () => {
    for (const samePid of [false, true]) {
      const context = new Context(LIMITS);
      calm(context);
      for (let i = 0; i < 100_000; i++) {
        const pid = samePid ? 77 : 1_000 + i;
        const parentExecId = i === 0 ? '' : `deep-${i - 1}`;
        context.observe(execEvent(processFacts(`deep-${i}`, { pid, pod: hotPod, parentExecId, start: i / 1_000 })));
      }
      const last = context.process('deep-99999');
      expect(context.stats().processes).toBeLessThanOrEqual(503);
      expect(ancestorsOf(last as NonNullable<typeof last>).length).toBeGreaterThanOrEqual(50);
      expect(processTree(context, 'deep-99999')).not.toBeNull();
      const tree = podTree(context, 'hot', 'app');
      expect(tree).not.toBeNull();
      expectCalm(context);
    }
  });

  it('what ended and was kept for its children goes with the last of them', () => {
    const context = new Context({ ...LIMITS, exitedPerPodMax: 0 });
    const parent = processFacts('parent', { pid: 5, pod: hotPod });
    const child = processFacts('child', { pid: 6, pod: hotPod, parentExecId: 'parent', start: 1 });
    context.observe(execEvent(parent));
    context.observe(execEvent(child));
    context.observe(exitEvent(parent, { at: 2 }));
    expect(context.process('child')?.parent?.execId).toBe('parent');
    context.observe(exitEvent(child, { at: 3 }));
    expect(context.stats()).toMatchObject({ processes: 0, processesEvictedExited: 2 });
  });

  it('many pods: those where nothing lives go first', () => {
    const context = new Context(LIMITS);
    calm(context);
    for (let i = 0; i < 3_000; i++) {
      const job = processFacts(`job-${i}`, { pid: 1_000 + i, pod: podFacts(`jobs/job-${i}`), start: i });
      context.observe(execEvent(job));
      context.observe(exitEvent(job, { at: i + 0.5 }));
    }
    const stats = context.stats();
    expect(stats.processes).toBeLessThanOrEqual(2_000);
    expect(stats.processesEvictedLive).toBe(0);
    expectCalm(context);
    for (let i = 0; i < 3_000; i++)
      context.observe(flowEvent('tcp 10.9.9.9:1 > 10.9.9.8:2', { at: 4_000 + i, from: 'x/server', to: 'x/client' }));
    expect(context.stats().pods).toBeLessThanOrEqual(2_000 + 5);
  });

  it('pods that nothing is left of are dropped, and come back with their next event', () => {
    const context = new Context({ ...LIMITS, exitedPerPodMax: 0 });
    calm(context);
    const facts = Array.from({ length: 1_000 }, (_, i) => podFacts(`jobs/job-${i}`));
    for (const [i, pod] of facts.entries()) {
      const job = processFacts(`job-${i}`, { pid: 1_000 + i, pod, start: i });
      context.observe(execEvent(job));
      context.observe(exitEvent(job, { at: i + 0.5 }));
    }
    expect(context.stats().pods).toBeLessThanOrEqual(330);
    expect(context.stats().podsDropped).toBeGreaterThan(600);
    context.observe(execEvent(processFacts('again', { pid: 9, pod: facts[0] as (typeof facts)[0], start: 2_000 })));
    expect(podTree(context, 'jobs', 'job-0')?.roots).toHaveLength(1);
    expectCalm(context);
  });

  it('connections, of a pod and of a process', () => {
    const context = new Context(LIMITS);
    calm(context);
    const scanner = processFacts('scanner', { pid: 9, pod: hotPod });
    for (let i = 0; i < 5_000; i++) {
      const tuple = `tcp 10.0.0.2:${1_000 + (i % 60_000)} > 203.0.113.${i % 250}:${1 + (i % 1_000)}`;
      context.observe(kprobeEvent(scanner, 'tcp_connect', [sockArg(tuple, { cookie: String(i) })], { at: i / 1_000 }));
      context.observe(flowEvent(tuple, { at: i / 1_000, tcpFlags: 'SYN', from: 'hot/app', to: 'reserved:world' }));
    }
    const stats = context.stats();
    expect(stats.connections).toBeLessThanOrEqual(201);
    expect([...context.connections()]).toHaveLength(stats.connections);
    expect(stats.connectionsEvicted).toBeGreaterThanOrEqual(4_700);
    expect(context.process('scanner')?.connections).toHaveLength(20);
    expect(stats.connectionsDroppedFromProcess).toBeGreaterThan(4_000);
    expectCalm(context);
  });

  it('connections long unheard of are forgotten, and that is no eviction', () => {
    const context = new Context(LIMITS);
    const ask = (port: number, at: number): void => {
      context.observe(flowEvent(`udp 10.0.0.2:${port} > 10.96.0.10:53`, { at, from: 'hot/app' }));
    };
    for (let i = 0; i < 100; i++) ask(1_000 + i, i / 10);
    for (let i = 0; i < 100; i++) ask(5_000 + i, 4_000 + i / 10);
    expect(context.stats()).toMatchObject({ connectionsEvicted: 0, connectionsForgotten: 100, connections: 100 });
  });

  it('DNS names of a pod', () => {
    const context = new Context(LIMITS);
    for (let i = 0; i < 200; i++) {
      const ips = [`203.0.113.${i}`];
      context.observe(
        flowEvent('udp 10.96.0.10:53 > 10.0.0.2:5353', {
          at: i / 100,
          isReply: true,
          to: 'hot/app',
          dns: { query: `n${i}.example.com.`, ips },
        }),
      );
    }
    expect(context.stats().dnsNamesEvicted).toBe(150);
    const newest = context.observe(flowEvent('tcp 10.0.0.2:1 > 203.0.113.199:443', { at: 3, from: 'hot/app' }));
    expect(newest.server?.names).toEqual(['n199.example.com']);
  });
});

describe('gaps', () => {
  it('a flood of losses is a few gaps with the whole count', () => {
    const context = new Context();
    for (let i = 0; i < 30_000; i++) context.observe(lostEvents({ at: i / 30_000, count: 2 }));
    context.observe(lostEvents({ at: 500, kind: 'rate_limit', reason: '', count: 7, node: 'worker-2' }));
    expect(context.gaps()).toHaveLength(2);
    expect(context.gaps()[0]).toMatchObject({
      source: 'hubble',
      node: 'worker-1',
      reason: 'HUBBLE_RING_BUFFER',
      count: 60_000,
    });
    expect(context.gaps()[1]).toMatchObject({ node: 'worker-2', reason: 'rate_limit', count: 7 });
    expect(context.stats().lostEvents).toBe(60_007);
  });

  it('tells of each change once, and of what is new about it', () => {
    const context = new Context();
    context.observe(lostEvents({ at: 10, count: 2 }));
    expect(context.loss).toMatchObject({
      gap: { count: 2 },
      from: formatInstant(when(10)),
      to: formatInstant(when(10)),
    });
    context.observe(lostEvents({ at: 15, count: 3 }));
    // Two losses so close together are one gap, with what lies between them.
    expect(context.loss).toMatchObject({
      gap: { count: 5 },
      from: formatInstant(when(10)),
      to: formatInstant(when(15)),
    });
    context.observe(flowEvent('tcp 10.0.0.1:1 > 10.0.0.2:80', { at: 16 }));
    expect(context.loss).toBeNull();
    expect(context.takeChangedGaps()).toEqual(context.gaps());
    expect(context.takeChangedGaps()).toEqual([]);
    context.observe(lostEvents({ at: 20, count: 1 }));
    expect(context.takeChangedGaps()).toMatchObject([{ from: formatInstant(when(10)), count: 6 }]);
  });

  it('never begins earlier than it did: what it is known by stays', () => {
    const context = new Context();
    context.observe(lostEvents({ at: 10 }));
    context.observe(lostEvents({ at: 12, from: when(3), to: when(11) }));
    context.observe(lostEvents({ at: 13, from: when(5), to: when(12) }));
    expect(context.gaps().map(({ from, to, count }) => [from, to, count])).toEqual([
      [formatInstant(when(10)), formatInstant(when(10)), 1],
      [formatInstant(when(3)), formatInstant(when(12)), 2],
    ]);
  });

  it('is by sensor, node and reason, however a source is called', () => {
    const context = new Context();
    for (const source of ['relay-eu', 'capture']) context.observe(lostEvents({ at: 1, source }));
    context.observe(lostEvents({ at: 1, sensor: 'tetragon' }));
    expect(context.gaps().map(({ source, count }) => [source, count])).toEqual([
      ['hubble', 2],
      ['tetragon', 1],
    ]);
  });
});

/** Where tree and index disagree. Plain checks: an assertion on each of a million edges would take minutes. */
function problems(context: Context): string[] {
  const found: string[] = [];
  const all = new Set(context.processes());
  if (all.size !== context.stats().processes) found.push('counted wrong');
  // One may be over while it is being added to a pod of its own.
  if (all.size > 21) found.push(`${all.size} processes`);
  for (const process of all) {
    const { execId, parent, children, replaced } = process;
    if (parent !== null && !all.has(parent)) found.push(`${execId}: parent is gone`);
    if (parent !== null && !parent.children.has(process)) found.push(`${execId}: no child of its parent`);
    for (const child of children) if (child.parent !== process) found.push(`${execId}: child of another`);
    if (replaced !== null && replaced.replacedBy !== process) found.push(`${execId}: replaced what became another`);
    if (ancestorsOf(process).includes(process)) found.push(`${execId}: its own ancestor`);
  }
  return found;
}

it('whatever comes, in whatever order: tree and index agree, and nothing is left over the bounds', () => {
  const step = fc.record({
    id: fc.nat(30),
    parent: fc.nat(30),
    pid: fc.integer({ min: 1, max: 12 }),
    kind: fc.constantFrom('exec', 'exit', 'hook', 'scan'),
    pod: fc.constantFrom(null, 'a/a', 'b/b'),
    time: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
      const context = new Context({ ...LIMITS, processesPerPodMax: 8, exitedPerPodMax: 4, processesMax: 20 });
      for (const { id, parent, pid, kind, pod, time } of steps) {
        const flags = kind === 'scan' ? 'procFS' : 'execve clone';
        const facts = processFacts(`p${id}`, { pid, pod, parentExecId: `p${parent}`, flags, start: time });
        const event =
          kind === 'exit'
            ? exitEvent(facts, { at: time + 1 })
            : kind === 'hook'
              ? kprobeEvent(facts, 'f', [])
              : execEvent(facts);
        context.observe(event);
        expect(problems(context)).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});
