/** The measure of attribution: on every recording, each true connection has its process, and nothing is attributed wrongly. */
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import { socketOf } from '../../src/context/sockets.ts';
import type { Connection } from '../../src/model/connection.ts';
import { type Event, type FlowEvent, isProcessEvent } from '../../src/model/event.ts';
import { eventsOf, merged, type Recording, recordings, type TrueConnection, truthOf } from './recordings.ts';

const SECOND = 1_000_000;

function isFlow(event: Event): event is FlowEvent {
  return event.kind === 'flow' && (event.protocol === 'TCP' || event.protocol === 'UDP');
}

function joined(events: readonly Event[]): { context: Context; owners: (Connection | null)[]; flows: FlowEvent[] } {
  const context = new Context();
  const owners: (Connection | null)[] = [];
  const flows: FlowEvent[] = [];
  for (const event of events) {
    const { connection } = context.observe(event);
    if (!isFlow(event)) continue;
    flows.push(event);
    owners.push(connection);
  }
  return { context, owners, flows };
}

function isThis(connection: Connection, truth: TrueConnection): boolean {
  const { client, server } = connection;
  return (
    connection.protocol === truth.proto.toUpperCase() &&
    client.ip === truth.src &&
    client.port === truth.sport &&
    server.port === truth.dport &&
    (server.ip === truth.dst || server.translated === truth.dst)
  );
}

/** The connection that began nearest to the true one's first packet. */
function findTrue(connections: readonly Connection[], truth: TrueConnection): Connection | null {
  const at = truth.time_ns / 1_000;
  let best: Connection | null = null;
  for (const connection of connections) {
    if (!isThis(connection, truth) || Math.abs(connection.firstSeen - at) > 2 * SECOND) continue;
    if (best === null || Math.abs(connection.firstSeen - at) < Math.abs(best.firstSeen - at)) best = connection;
  }
  return best;
}

/** Flows that a join of socket events and flows by 5-tuple and time alone gives a process at the client's end. */
function plainJoin(events: readonly Event[]): number {
  const ends = new Map<string, number[]>();
  for (const event of events) {
    if (!isProcessEvent(event)) continue;
    const socket = socketOf(event);
    if (socket === null || socket.sourcePort === 0) continue;
    const keys = [
      `${socket.protocol} ${socket.sourceIp} ${socket.sourcePort} ${socket.destinationIp} ${socket.destinationPort}`,
      `${socket.protocol} ${socket.sourceIp} ${socket.sourcePort}`,
    ];
    for (const key of keys) ends.set(key, [...(ends.get(key) ?? []), event.time]);
  }
  const near = (key: string, time: number, window: number): boolean =>
    ends.get(key)?.some(at => Math.abs(at - time) <= window) === true;
  let found = 0;
  for (const flow of events) {
    if (!isFlow(flow)) continue;
    const reply = flow.isReply === true;
    const [ip, port] = reply ? [flow.destinationIp, flow.destinationPort] : [flow.sourceIp, flow.sourcePort];
    const [toIp, toPort] = reply ? [flow.sourceIp, flow.sourcePort] : [flow.destinationIp, flow.destinationPort];
    if (near(`${flow.protocol} ${ip} ${port} ${toIp} ${toPort}`, flow.time, 60 * SECOND)) found++;
    else if (flow.protocol === 'UDP' && near(`UDP ${ip} ${port}`, flow.time, 5 * SECOND)) found++;
  }
  return found;
}

const isNetworkEvent = (event: Event): boolean => isProcessEvent(event) && socketOf(event) !== null;

const percent = (part: number, whole: number): string => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`);

const table: string[][] = [['recording', 'true', 'socket', 'flows', 'with process', 'plain join', 'inferred', 'right']];

function show(): void {
  const widths = (table[0] as string[]).map((_, column) =>
    Math.max(...table.map(row => (row[column] as string).length)),
  );
  const lines = table.map(row => row.map((cell, i) => cell.padEnd(widths[i] as number)).join('  '));
  console.log(`\n${lines.join('\n')}`);
}

/** What is true of a flow when sockets are seen: the oracle for what is inferred without them. */
function wrongly(recording: Recording, events: readonly Event[]): { inferred: number; wrong: string[]; flows: number } {
  const oracle = joined(events);
  const blind = joined(events.filter(event => !isNetworkEvent(event)));
  const wrong: string[] = [];
  let inferred = 0;
  for (const [i, connection] of blind.owners.entries()) {
    const process = connection?.process ?? null;
    if (connection === null || process === null) continue;
    expect(connection.attribution).toBe('inferred');
    inferred++;
    const real = oracle.owners[i]?.process ?? null;
    if (real !== null && real.execId !== process.execId) {
      wrong.push(
        `${recording.name}: ${connection.id} ${process.facts.binary} ${process.facts.arguments}, not ${real.facts.binary} ${real.facts.arguments}`,
      );
    }
  }
  for (const truth of truthOf(recording.truth)) {
    const connection = findTrue([...blind.context.connections()], truth);
    if (connection?.process != null && connection.process.execId !== truth.exec_id)
      wrong.push(`${recording.name}: true ${connection.id}`);
  }
  return { inferred, wrong, flows: blind.flows.length };
}

/** Both files of a recording end at some moment; what came after the end of Tetragon's has no process in it. */
function covered(events: readonly Event[]): Event[] {
  let end = 0;
  for (const event of events) if (isProcessEvent(event) && event.time > end) end = event.time;
  return events.filter(event => event.time <= end);
}

describe.each(recordings().map(recording => [recording.name, recording] as const))('%s', (_, recording) => {
  const events = covered(merged(eventsOf(recording.tetragon, 'tetragon'), eventsOf(recording.hubble, 'hubble')));
  const end = Math.max(...events.map(event => event.time));
  const truths = truthOf(recording.truth).filter(truth => truth.time_ns / 1_000 <= end);
  const { context, owners, flows } = joined(events);
  const connections = [...context.connections()];

  it('gives every true connection its process by its socket', () => {
    const missed: string[] = [];
    for (const truth of truths) {
      const found = findTrue(connections, truth);
      if (found?.process?.execId !== truth.exec_id || found.attribution !== 'socket') {
        missed.push(
          `${truth.proto} ${truth.src}:${truth.sport} > ${truth.dst}:${truth.dport} of ${truth.binary}: ${found?.process?.facts.binary} ${found?.attribution}`,
        );
      }
    }
    expect(missed).toEqual([]);
  });

  it('joins at least as many flows as 5-tuple and time alone, and guesses none wrongly without sockets', () => {
    const withProcess = owners.filter(connection => connection?.process != null).length;
    const plain = plainJoin(events);
    const { inferred, wrong } = wrongly(recording, events);
    table.push([
      recording.name,
      String(truths.length),
      String(truths.filter(truth => findTrue(connections, truth)?.attribution === 'socket').length),
      String(flows.length),
      percent(withProcess, flows.length),
      percent(plain, flows.length),
      percent(inferred, flows.length),
      percent(inferred - wrong.length, inferred),
    ]);
    if (table.length === recordings().length + 1) show();
    expect(wrong).toEqual([]);
    expect(withProcess).toBeGreaterThanOrEqual(plain);
  });
});
