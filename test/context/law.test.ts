/** Nothing is attributed wrongly, whatever comes: the pod at an end is the pod of the process there. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ConnectionRecord } from '../../src/context/connection-record.ts';
import { Context } from '../../src/context/context.ts';
import type { Event, KprobeArg } from '../../src/model/event.ts';
import { execEvent, exitEvent, flowEvent, kprobeEvent, processFacts, sockArg } from '../support/events.ts';

const PODS = ['a/one', 'a/two', 'b/three'] as const;
const IPS = ['10.0.0.1', '10.0.0.2', '127.0.0.1', '198.51.100.7'];
const PORTS = [0, 53, 443, 40_000, 40_001];

const tuple = fc
  .tuple(
    fc.constantFrom('tcp', 'udp'),
    fc.constantFrom(...IPS),
    fc.constantFrom(...PORTS),
    fc.constantFrom(...IPS, '0.0.0.0'),
    fc.constantFrom(...PORTS),
  )
  .map(([protocol, a, p, b, q]) => `${protocol} ${a}:${p} > ${b}:${q}`);
const time = fc.integer({ min: 0, max: 200 }).map(n => n / 2);
const node = fc.constantFrom('worker-1', 'worker-2');

/** Each process keeps its pod and node, as in life. */
const facts = (id: number) =>
  processFacts(`p${id}`, {
    pid: 10 + id,
    pod: id % 4 === 3 ? null : (PODS[id % 3] as string),
    arguments: `--to ${IPS[id % 4]}:${PORTS[1 + (id % 4)]}`,
    start: 0,
  });
const nodeOf = (id: number): string => (id % 2 === 0 ? 'worker-1' : 'worker-2');

const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ maxDepth: 1 }),
  fc.constant(null),
  fc.record({ family: fc.anything(), sport: fc.anything(), saddr: fc.anything(), daddr: fc.anything() }),
);

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.tuple(fc.nat(11), time).map(([id, at]) => execEvent(facts(id), { at, node: nodeOf(id) })),
  fc.tuple(fc.nat(11), time).map(([id, at]) => exitEvent(facts(id), { at, node: nodeOf(id) })),
  fc
    .tuple(
      fc.nat(11),
      fc.constantFrom(
        'tcp_connect',
        'tcp_sendmsg',
        'tcp_close',
        'udp_sendmsg',
        'inet_csk_accept',
        'inet_csk_listen_start',
        'custom',
      ),
      tuple,
      fc.constantFrom('', '1', '2', '3'),
      time,
    )
    .map(([id, hook, text, cookie, at]) =>
      kprobeEvent(facts(id), hook, [sockArg(text, cookie === '' ? {} : { cookie })], { at, node: nodeOf(id) }),
    ),
  fc.tuple(fc.nat(11), fc.constantFrom('sock', 'skb', 'sockaddr', 'int'), anything, time).map(([id, type, value, at]) =>
    kprobeEvent(facts(id), 'security_socket_connect', [{ type, label: '', value } as KprobeArg], {
      at,
      node: nodeOf(id),
    }),
  ),
  fc
    .tuple(
      tuple,
      fc.constantFrom(null, 'reserved:world', 'reserved:host', ...PODS),
      fc.constantFrom(null, 'reserved:world', ...PODS),
      fc.constantFrom(null, true, false),
      fc.constantFrom('', 'SYN', 'SYN,ACK', 'ACK', 'FIN,ACK', 'RST'),
      fc.constantFrom('', '10.0.0.2'),
      time,
      node,
    )
    .map(([text, from, to, isReply, tcpFlags, sourceXlated, at, on]) =>
      flowEvent(text, { at, from, to, isReply, tcpFlags, sourceXlated, node: on }),
    ),
);

it('every process stands at its own pod’s end, and the index agrees with itself', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120, size: 'max' }), events => {
      const context = new Context({ connectionsPerPodMax: 20, connectionsMax: 40 });
      for (const each of events) {
        const { connection, process } = context.observe(each);
        const record = connection as ConnectionRecord | null;
        if (each.kind !== 'flow')
          expect(process?.execId).toBe(
            each.kind.startsWith('process') ? (each as { process: { execId: string } }).process.execId : undefined,
          );
        if (record === null) continue;
        for (const [end, owner, quality] of [
          [record.client, record.process, record.attribution],
          [record.server, record.serverProcess, record.serverAttribution],
        ] as const) {
          expect(owner === null).toBe(quality === 'pod');
          if (owner?.pod != null && end.pod !== null)
            expect(`${owner.pod.namespace}/${owner.pod.name}`).toBe(end.pod.key);
        }
        expect(record.process === null || record.process.connections.includes(record)).toBe(true);
      }
      const all = [...context.connections()];
      expect(new Set(all).size).toBe(context.stats().connections);
      for (const connection of all) expect(connection.lastSeen).toBeGreaterThanOrEqual(connection.firstSeen);
    }),
    { numRuns: 400 },
  );
});
