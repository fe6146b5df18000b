/**
 * The end of a line, `},"node_name":"…","time":"…","cluster_name":…}`: constant for a node but for the time, so that it is
 * parsed once and then recognised by its bytes, from the end.
 */
import type { Instant } from '../../model/time.ts';
import { splitNodeName } from '../intern.ts';
import { ByteClock } from './clock.ts';
import { isObject, text } from './values.ts';

/** Nodes whose tails are kept; a file has one, a merged stream a few. */
const TAILS_MAX = 32;
/** Keys that may stand in a tail that the fast path takes. */
const KEYS = new Set(['node_name', 'time', 'cluster_name', 'node_labels']);
/** `2026-01-01T00:00:00.000000000Z`, as nearly all times are. */
const TIME_BYTES = 30;
const TIME_BYTES_MAX = 40;
const QUOTE = 0x22;
const TIME_KEY = Buffer.from('"time":"');
const NODE_KEY = Buffer.from('},"node_name":"');

interface Tail {
  /** From the brace that closes the event's body to the quote that opens the time. */
  readonly before: Buffer;
  /** From the quote that closes the time to the end of the line. */
  readonly after: Buffer;
  readonly node: string;
  readonly cluster: string;
  readonly nodeName: string;
}

/** Recognised tails; after `find`, the result stands in the fields, so that nothing is allocated for it. */
export class Tails {
  readonly #clock = new ByteClock();
  readonly #known: Tail[] = [];
  at: Instant = { time: 0, ns: 0 };
  tail: Tail | null = null;
  timeStart = 0;
  timeEnd = 0;

  /** Where the brace that closes the event's body stands; -1 when the tail is not of the expected shape. */
  find(bytes: Buffer, start: number, end: number): number {
    for (let i = 0; i < this.#known.length; i++) {
      const body = this.#match(this.#known[i] as Tail, bytes, start, end);
      if (body < 0) continue;
      if (i > 0) this.#toFront(i);
      return body;
    }
    const learnt = learn(bytes, start, end);
    if (learnt === null) return -1;
    this.#known.unshift(learnt);
    if (this.#known.length > TAILS_MAX) this.#known.pop();
    return this.#match(learnt, bytes, start, end);
  }

  #match(tail: Tail, bytes: Buffer, start: number, end: number): number {
    const { before, after } = tail;
    const timeEnd = end - after.length;
    if (timeEnd <= start + before.length || bytes[timeEnd] !== QUOTE) return -1;
    let timeStart = timeEnd - TIME_BYTES;
    if (bytes[timeStart - 1] !== QUOTE) {
      timeStart = timeEnd;
      const limit = Math.max(start, timeEnd - TIME_BYTES_MAX);
      while (timeStart > limit && bytes[timeStart - 1] !== QUOTE) timeStart--;
    }
    const body = timeStart - before.length;
    if (body <= start) return -1;
    if (bytes.compare(before, 0, before.length, body, timeStart) !== 0) return -1;
    if (bytes.compare(after, 0, after.length, timeEnd, end) !== 0) return -1;
    const at = this.#clock.read(bytes, timeStart, timeEnd);
    if (at === null) return -1;
    this.at = at;
    this.tail = tail;
    this.timeStart = timeStart;
    this.timeEnd = timeEnd;
    return body;
  }

  #toFront(i: number): void {
    const [tail] = this.#known.splice(i, 1);
    this.#known.unshift(tail as Tail);
  }
}

function learn(bytes: Buffer, start: number, end: number): Tail | null {
  const body = bytes.lastIndexOf(NODE_KEY, end - 1);
  if (body < start) return null;
  const tail = Buffer.from(bytes.subarray(body, end));
  const time = tail.indexOf(TIME_KEY);
  if (time < 0 || tail.indexOf(TIME_KEY, time + 1) >= 0) return null;
  const value = parseTail(tail);
  if (value === null || !isObject(value) || Object.keys(value).some(key => !KEYS.has(key))) return null;
  const timeStart = time + TIME_KEY.length;
  const timeEnd = tail.indexOf(QUOTE, timeStart);
  if (tail.toString('utf8', timeStart, timeEnd) !== value.time) return null;
  const { node, cluster } = splitNodeName(text(value.node_name));
  return {
    before: tail.subarray(0, timeStart),
    after: tail.subarray(timeEnd),
    node,
    cluster: text(value.cluster_name) || cluster,
    nodeName: text(value.node_name),
  };
}

/** `},"node_name":…}` → the object of its keys. */
function parseTail(tail: Buffer): unknown {
  try {
    return JSON.parse(`{${tail.toString('utf8', 2)}`);
  } catch {
    return null;
  }
}
