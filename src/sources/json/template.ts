/**
 * The bytes of a process block that was decoded once, cut where Tetragon changes them from event to event without changing
 * the process: `refcnt` (left out when zero) and `tid`. Bytes that fit a template need no parsing: they are JSON, they are
 * complete, and they mean the same.
 */
import { digitsEnd, QUOTE, startsWith } from './bytes.ts';

const REFCNT_KEY = Buffer.from(',"refcnt":');
const TID_KEY = Buffer.from(',"tid":');
const PARENT_EXEC_ID_KEY = Buffer.from('"parent_exec_id":"');

export interface BlockTemplate {
  readonly bytes: Buffer;
  /** `[refcntStart, refcntEnd)` is the whole `,"refcnt":N`, empty where it was left out; -1 when it may not vary. */
  readonly refcntStart: number;
  readonly refcntEnd: number;
  /** `[tidStart, tidEnd)` are the digits of tid; -1 when it may not vary. */
  readonly tidStart: number;
  readonly tidEnd: number;
}

/** A template of the process block in `bytes[start, end)`, which is known to be one complete JSON object. */
export function makeTemplate(bytes: Buffer, start: number, end: number): BlockTemplate {
  const own = Buffer.from(bytes.subarray(start, end));
  const refcnt = only(own, REFCNT_KEY);
  const tid = only(own, TID_KEY);
  let refcntStart = refcnt;
  let refcntEnd = refcnt < 0 ? -1 : digitsEnd(own, refcnt + REFCNT_KEY.length);
  if (refcnt < 0 && own.indexOf(REFCNT_KEY) < 0) {
    const parent = only(own, PARENT_EXEC_ID_KEY);
    if (parent >= 0) refcntStart = refcntEnd = own.indexOf(QUOTE, parent + PARENT_EXEC_ID_KEY.length) + 1;
  }
  let tidStart = tid < 0 ? -1 : tid + TID_KEY.length;
  let tidEnd = tidStart < 0 ? -1 : digitsEnd(own, tidStart);
  if (refcntEnd < 0) refcntStart = -1;
  if (tidEnd < 0 || tidStart < refcntEnd) tidStart = tidEnd = -1;
  return { bytes: own, refcntStart, refcntEnd, tidStart, tidEnd };
}

/** The place of a key that occurs once, else -1: an unescaped key cannot lie inside a string, but could lie deeper. */
function only(bytes: Buffer, key: Buffer): number {
  const at = bytes.indexOf(key);
  return at >= 0 && bytes.indexOf(key, at + 1) < 0 ? at : -1;
}

/** Where the block at `at` ends when it fits the template, else -1. */
export function matchTemplate(template: BlockTemplate, bytes: Buffer, at: number, limit: number): number {
  const { bytes: own, refcntStart, refcntEnd, tidStart, tidEnd } = template;
  const whole = at + own.length;
  if (whole <= limit && bytes[whole - 1] === 0x7d && bytes.compare(own, 0, own.length, at, whole) === 0) return whole;
  if (refcntStart < 0 && tidStart < 0) return -1;
  let from = 0;
  let to = at;
  if (refcntStart >= 0) {
    to = segment(own, 0, refcntStart, bytes, at, limit);
    if (to < 0) return -1;
    to = afterRefcnt(bytes, to);
    if (to < 0) return -1;
    from = refcntEnd;
  }
  if (tidStart >= 0) {
    to = segment(own, from, tidStart, bytes, to, limit);
    if (to < 0) return -1;
    to = digitsEnd(bytes, to);
    if (to < 0) return -1;
    from = tidEnd;
  }
  return segment(own, from, own.length, bytes, to, limit);
}

function segment(own: Buffer, from: number, to: number, bytes: Buffer, at: number, limit: number): number {
  const end = at + to - from;
  return end <= limit && bytes.compare(own, from, to, at, end) === 0 ? end : -1;
}

function afterRefcnt(bytes: Buffer, at: number): number {
  if (!startsWith(bytes, at, REFCNT_KEY)) return at;
  return digitsEnd(bytes, at + REFCNT_KEY.length);
}
