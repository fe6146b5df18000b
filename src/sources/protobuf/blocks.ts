/**
 * Process blocks that were seen before, recognised by their bytes. Nine tenths of a Tetragon event repeat what is known: a
 * block is compared with the one last seen of its exec_id, but for `refcnt` and `tid`, and decoded only when it differs.
 */
import type { Capabilities, Namespaces, PodFacts, ProcessFacts } from '../../model/process.ts';
import { GenerationMap, type Interned } from '../intern.ts';
import { ProcessMemory, type Role, type Version } from '../json/memory.ts';
import { capsOf, nsOf, podOf, processFacts } from '../json/process.ts';
import { type JsonObject, readFieldInto } from './export-json.ts';
import { Parts } from './parts.ts';
import { BYTES, Reader, readStamp, stamp, VARINT } from './reader.ts';
import { messageSpec } from './schema.ts';

/** Exec_ids a generation, each with up to two blocks of about 1 kB. */
const BLOCKS_MAX = 8_192;
/** Larger blocks (arguments of megabytes) are decoded each time rather than kept. */
const BLOCK_BYTES_MAX = 64 * 1024;

const EXEC_ID_TAG = (1 << 3) | BYTES;
const REFCNT_TAG = (13 << 3) | VARINT;
const TID_TAG = (16 << 3) | BYTES;
const START_TIME_TAG = (8 << 3) | BYTES;
const CREDENTIALS_TAG = (17 << 3) | BYTES;
const POD_TAG = (10 << 3) | BYTES;
const CAP_TAG = (14 << 3) | BYTES;
const NS_TAG = (15 << 3) | BYTES;
/** Of a wrapper's only field. */
const VALUE_TAG = 0x08;

/** A decoded block. */
export interface Block {
  readonly version: Version;
  /** Its bytes; null when it is not kept. */
  readonly bytes: Buffer | null;
  /** Stretches of `bytes` without the volatile fields: pairs of start and end. */
  readonly stretches: readonly number[];
  /** Blocks that stood around this one last time, when it was an event's own process: they are compared first. */
  parent: Block | null;
  readonly ancestors: Block[];
  /** The bytes of all ancestors together: equal ones need no look at each. */
  chain: Buffer | null;
}

type Entry = { [role in Role]: Block | null };

export class ProcessBlocks {
  readonly memory: ProcessMemory;
  readonly #entries = new GenerationMap<string, Entry>(BLOCKS_MAX);
  readonly #spec = messageSpec('tetragon.Process');

  readonly #interned: Interned;
  readonly #pods: Parts<PodFacts>;
  readonly #caps: Parts<Capabilities>;
  readonly #namespaces: Parts<Namespaces>;
  readonly #credentials = new Parts('tetragon.ProcessCredentials', block => block);

  constructor(interned: Interned) {
    this.#interned = interned;
    this.memory = new ProcessMemory(interned);
    this.#pods = new Parts('tetragon.Pod', block => podOf(block, interned));
    this.#caps = new Parts('tetragon.Capabilities', block => capsOf(block, interned));
    this.#namespaces = new Parts('tetragon.Namespaces', block => nsOf(block, interned));
  }

  /** See `ProcessMemory.takeBack`. */
  takeBack(execId: string): void {
    const own = this.#entries.get(execId)?.own ?? null;
    if (own !== null) {
      own.chain = null;
      own.ancestors.length = 0;
    }
    this.memory.takeBack(execId);
  }

  /** The block in `bytes[start, end)`. `expected` is the block that most likely stands there, compared first. */
  block(bytes: Buffer, start: number, end: number, role: Role, expected: Block | null = null): Block {
    if (expected !== null && same(expected, bytes, start, end)) return expected;
    const execId = execIdOf(bytes, start, end);
    const entry = this.#entries.get(execId);
    const known = entry?.[role] ?? null;
    if (known !== null && known !== expected && same(known, bytes, start, end)) return known;
    const version = this.memory.versionOf(this.#facts(new Reader(bytes, start, end)), role);
    const kept = end - start <= BLOCK_BYTES_MAX && execId !== '';
    const block: Block = {
      version,
      bytes: kept ? Buffer.from(bytes.subarray(start, end)) : null,
      stretches: kept ? stable(bytes, start, end) : [],
      parent: null,
      ancestors: [],
      chain: null,
    };
    if (!kept) return block;
    if (entry === undefined) this.#entries.set(execId, { own: null, relative: null, [role]: block });
    else entry[role] = block;
    return block;
  }

  #facts(reader: Reader): ProcessFacts {
    const block: JsonObject = {};
    let pod: PodFacts | null = null;
    let caps: Capabilities | null = null;
    let ns: Namespaces | null = null;
    while (reader.pos < reader.end) {
      const tag = reader.uint32();
      if (tag === POD_TAG) pod = this.#pods.next(reader);
      else if (tag === CAP_TAG) caps = this.#caps.next(reader);
      else if (tag === NS_TAG) ns = this.#namespaces.next(reader);
      else if (tag === CREDENTIALS_TAG) block.process_credentials = this.#credentials.next(reader);
      else if (tag === START_TIME_TAG) {
        readStamp(reader, reader.length());
        block.start_time = { ...stamp };
      } else readFieldInto(this.#spec, tag, reader, block);
    }
    return processFacts(block, this.#interned, { pod, caps, ns });
  }

  /** Whether this very block was seen as an event's own process. */
  isKnown(bytes: Buffer, start: number, end: number): boolean {
    const known = this.#entries.get(execIdOf(bytes, start, end))?.own ?? null;
    return known !== null && same(known, bytes, start, end);
  }
}

/** Whether `bytes[start, end)` says what `block` says. False negatives cost a decoding, nothing else. */
function same(block: Block, bytes: Buffer, start: number, end: number): boolean {
  const known = block.bytes;
  if (known === null || end - start !== known.length) return false;
  const { stretches } = block;
  for (let i = 0; i < stretches.length; i += 2) {
    const from = stretches[i] as number;
    const to = stretches[i + 1] as number;
    if (bytes.compare(known, from, to, start + from, start + to) !== 0) return false;
    // Between two stretches stands the number of a volatile field: any number of as many bytes.
    const next = stretches[i + 2] ?? to;
    for (let at = to; at < next; at++) {
      if ((((known[at] as number) ^ (bytes[start + at] as number)) & 0x80) !== 0) return false;
    }
  }
  return true;
}

/** Pairs of start and end, relative to `start`, of the block without the numbers of its volatile fields. */
function stable(bytes: Buffer, start: number, end: number): number[] {
  const reader = new Reader(bytes, start, end);
  const pairs = [0];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === REFCNT_TAG) cutNumber(reader, start, pairs);
    else if (tag === TID_TAG) {
      const inner = reader.length();
      if (reader.pos < inner && bytes[reader.pos++] === VALUE_TAG) cutNumber(reader, start, pairs);
      reader.pos = inner;
    } else reader.skip(tag & 7);
  }
  pairs.push(end - start);
  return pairs;
}

function cutNumber(reader: Reader, start: number, pairs: number[]): void {
  pairs.push(reader.pos - start);
  reader.skip(VARINT);
  pairs.push(reader.pos - start);
}

/** The exec_id, which stands first as senders write it; '' when there is none. */
function execIdOf(bytes: Buffer, start: number, end: number): string {
  const reader = new Reader(bytes, start, end);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === EXEC_ID_TAG) return reader.latin1();
    reader.skip(tag & 7);
  }
  return '';
}
