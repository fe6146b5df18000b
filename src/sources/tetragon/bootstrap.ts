/**
 * The agent's process cache → process_exec events: what ran before the stream was opened, which nobody sends again.
 *
 * Most entries are told as the agent's own boot scan tells them (flag `procFS`): they are known, not new. A process that
 * started while the stream was down is different: its exec was missed, so that it is told as an exec.
 */
import grpc from '@grpc/grpc-js';
import type { Event } from '../../model/event.ts';
import { parseInstant } from '../../model/time.ts';
import { callOnce, describeError } from '../grpc/client.ts';
import type { Nodes } from '../grpc/nodes.ts';
import { GenerationMap, splitNodeName } from '../intern.ts';
import { type JsonObject, readJson } from '../protobuf/export-json.ts';
import { BYTES, Reader } from '../protobuf/reader.ts';
import { messageSpec } from '../protobuf/schema.ts';
import type { TetragonDecoder } from '../protobuf/tetragon.ts';

const METHOD = '/tetragon.FineGuidanceSensors/GetDebug';
/** `flag: CONFIG_FLAG_DUMP_PROCESS_CACHE, dump: {skip_zero_refcnt: true}`: without processes that have ended. */
const REQUEST = Buffer.from([0x08, 0x01, 0x12, 0x02, 0x08, 0x01]);
/** How long the stream is held back for the cache: the agent queues 10,000 events for us meanwhile. */
export const BOOTSTRAP_MS = 5_000;
/** Exec_ids a generation whose telling is remembered, so that a reconnect repeats nothing. */
const TOLD_MAX = 65_536;

const PROCESSES_TAG = (3 << 3) | BYTES;
const INNER_TAG = (1 << 3) | BYTES;

const BOOT_SCAN = 'procFS';

export class Bootstrap {
  readonly #decoder: TetragonDecoder;
  readonly #timeoutMs: number;
  readonly #process = messageSpec('tetragon.Process');
  readonly #told = new GenerationMap<string, true>(TOLD_MAX);
  /** Calls that agents refused or did not know, and why the last one was. */
  refused = 0;
  reason = '';

  constructor(decoder: TetragonDecoder, timeoutMs: number) {
    this.#decoder = decoder;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks the agent; null when it refuses, which is counted and no error. */
  async fetch(client: grpc.Client): Promise<Buffer | null> {
    try {
      return await callOnce(client, METHOD, REQUEST, this.#timeoutMs);
    } catch (error) {
      // A connection that is not there is the stream's trouble, and told as such.
      if (statusOf(error) !== grpc.status.UNAVAILABLE && statusOf(error) !== grpc.status.CANCELLED) {
        this.refused++;
        this.reason = describeError(error);
      }
      return null;
    }
  }

  /**
   * Events of a GetDebugResponse for processes that were not told of yet. What started after its node's newest event started
   * while nobody listened. Throws `WireError` when the bytes are no such message.
   */
  events(reply: Buffer, nodes: Nodes): Event[] {
    const out: Event[] = [];
    const reader = new Reader(reply);
    for (const [start, end] of processes(reply)) {
      if (this.#decoder.blocks.isKnown(reply, start, end)) continue;
      reader.pos = start;
      const event = this.#event(readJson(this.#process, reader, end) as JsonObject, nodes);
      if (event !== null) out.push(event);
    }
    return out;
  }

  #event(process: JsonObject, nodes: Nodes): Event | null {
    const execId = String(process.exec_id ?? '');
    if (execId === '' || this.#told.get(execId) !== undefined) return null;
    this.#told.set(execId, true);
    const flags = String(process.flags ?? '');
    const start = parseInstant(String(process.start_time ?? ''))?.time ?? 0;
    const nodeName = nodeNameOf(execId);
    const downSince = nodes.newest(splitNodeName(nodeName).node);
    const missed = downSince !== null && start > downSince && hasFlag(flags, 'execve');
    if (!missed && !hasFlag(flags, BOOT_SCAN)) process.flags = flags === '' ? BOOT_SCAN : `${flags} ${BOOT_SCAN}`;
    return this.#decoder.execOf({ process_exec: { process }, node_name: nodeName, time: process.start_time });
  }
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

function hasFlag(flags: string, flag: string): boolean {
  return flags.split(' ').includes(flag);
}

/** `base64("<node>:<kernel time>:<pid>")` → node. */
function nodeNameOf(execId: string): string {
  return /^(.*):\d+:\d+$/.exec(Buffer.from(execId, 'base64').toString('latin1'))?.[1] ?? '';
}

/** Starts and ends of the Process messages in a GetDebugResponse: `processes.processes[].process`. */
function processes(reply: Buffer): [number, number][] {
  let ranges: [number, number][] = [[0, reply.length]];
  for (const tag of [PROCESSES_TAG, INNER_TAG, INNER_TAG]) {
    ranges = ranges.flatMap(([start, end]) => fieldRanges(new Reader(reply, start, end), tag));
  }
  return ranges;
}

function fieldRanges(reader: Reader, wanted: number): [number, number][] {
  const out: [number, number][] = [];
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    if (tag !== wanted) {
      reader.skip(tag & 7);
      continue;
    }
    const end = reader.length();
    out.push([reader.pos, end]);
    reader.pos = end;
  }
  return out;
}
