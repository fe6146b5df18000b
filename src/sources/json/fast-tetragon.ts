/**
 * The fast path for Tetragon's export. Its lines repeat: own process, parent, ancestors and the line's end are recognised by
 * comparing bytes with what was parsed before, and only the event's own fields are parsed. Whatever is not of the exact shape
 * that the export prints is left to the slow path; so is a line of which a part fails to parse.
 */
import { PROCESS_EVENT_KINDS, type ProcessEvent, type ProcessEventKind } from '../../model/event.ts';
import type { ProcessFacts } from '../../model/process.ts';
import type { Interned } from '../intern.ts';
import { BlockReader } from './blocks.ts';
import { COMMA, indexWithin, parseObject, QUOTE, startsWith } from './bytes.ts';
import { newAncestors, newParent, type ProcessMemory, type Version } from './memory.ts';
import { LineRecord } from './record.ts';
import { SegmentCache } from './segments.ts';
import { Tails } from './tail.ts';
import { makeTemplate, matchTemplate } from './template.ts';
import { type OwnFields, ownFields, withFields } from './tetragon.ts';

interface KindShape {
  readonly kind: ProcessEventKind;
  /** How the line begins, up to the own process's block. */
  readonly head: Buffer;
  /** What can follow the parent's block when it is not the ancestors or the end. */
  readonly afterParent: readonly Buffer[];
  readonly none: OwnFields;
  readonly fields: SegmentCache<OwnFields>;
  readonly read: (text: string) => OwnFields | null;
}

const AFTER_PARENT: Readonly<Record<ProcessEventKind, readonly string[]>> = {
  process_exec: [],
  process_exit: ['},"signal":"', '},"status":', '},"time":"'],
  process_kprobe: ['},"function_name":"'],
  process_lsm: ['},"function_name":"'],
  process_tracepoint: ['},"subsys":"'],
  process_uprobe: ['},"path":"'],
  process_usdt: ['},"path":"'],
  process_loader: [],
};

const FIELDS_SLOTS = 4_096;

function newShapes(): readonly KindShape[] {
  return PROCESS_EVENT_KINDS.map(kind => ({
    kind,
    head: Buffer.from(`{"${kind}":{"process":`),
    afterParent: AFTER_PARENT[kind].map(key => Buffer.from(key)),
    none: ownFields(kind, {}),
    fields: new SegmentCache<OwnFields>({ slots: FIELDS_SLOTS, onSecondSight: true }),
    read: (text: string) => readFields(kind, text),
  }));
}

const EXEC_ID_KEY = Buffer.from('{"exec_id":"');
const OWN_END = Buffer.from('},"parent":{"exec_id":"');
const PARENT_KEY = Buffer.from(',"parent":');
const ANCESTORS_KEY = Buffer.from(',"ancestors":[{"exec_id":"');
const ANCESTORS_OPEN_BYTES = Buffer.from(',"ancestors":[').length;
const NEXT_ANCESTOR = Buffer.from('},{"exec_id":"');
const EXEC_ID_BYTES_MAX = 512;
const CLOSE = 0x5d;
const BRACE = 0x7d;

/** A block of the line: either recognised, or parsed and not yet remembered. */
interface Block {
  start: number;
  end: number;
  known: Version | null;
  facts: ProcessFacts | null;
}

const newBlock = (): Block => ({ start: 0, end: 0, known: null, facts: null });

/** Keys that, coming twice in a body, would mean that the last one counts. */
const BLOCK_KEYS = ['process', 'parent', 'ancestors'] as const;

export class FastTetragon {
  readonly #source: string;
  readonly #memory: ProcessMemory;
  readonly #tails = new Tails();
  readonly #own = newBlock();
  readonly #parent = newBlock();
  readonly #ancestors: Block[] = [];
  readonly #shapes = newShapes();
  readonly #blocks: BlockReader;

  constructor(source: string, memory: ProcessMemory, interned: Interned) {
    this.#source = source;
    this.#memory = memory;
    this.#blocks = new BlockReader(interned);
  }

  /** The line's event, or null when the slow path must decode it: then nothing was remembered of it. */
  decode(bytes: Buffer, start: number, end: number): ProcessEvent | null {
    const shape = this.#shapeAt(bytes, start);
    if (shape === undefined) return null;
    const bodyEnd = this.#tails.find(bytes, start, end);
    if (bodyEnd < 0) return null;
    const own = this.#own;
    const ownStart = start + shape.head.length;
    const ownEnd = this.#recognise(own, null, 'own', bytes, ownStart, bodyEnd);
    if (ownEnd < 0 && !this.#read(own, bytes, ownStart, endOf(bytes, OWN_END, ownStart, bodyEnd))) return null;

    const parentStart = own.end + PARENT_KEY.length;
    if (!startsWith(bytes, own.end, PARENT_KEY)) return null;
    const parent = this.#parent;
    const expected = own.known;
    let ancestorsStart = -2;
    if (this.#recognise(parent, expected?.parent ?? null, 'relative', bytes, parentStart, bodyEnd) < 0) {
      ancestorsStart = ancestorsIn(bytes, parentStart, bodyEnd);
      if (!this.#read(parent, bytes, parentStart, parentEnd(shape, bytes, parentStart, ancestorsStart, bodyEnd)))
        return null;
    }
    if (ancestorsStart === -2) ancestorsStart = ancestorsIn(bytes, parent.end, bodyEnd);
    let count = 0;
    if (ancestorsStart >= 0) {
      count = this.#chain(expected, bytes, ancestorsStart + ANCESTORS_OPEN_BYTES, bodyEnd);
      if (count < 0) return null;
    }
    const fields = this.#fields(shape, bytes, parent.end, ancestorsStart < 0 ? bodyEnd : ancestorsStart);
    if (fields === null) return null;

    const tail = this.#tails.tail;
    if (tail === null) return null;
    const ownVersion = this.#remember(own, 'own', bytes);
    const parentVersion = this.#remember(parent, 'relative', bytes);
    const versions = count === 0 ? NO_VERSIONS : this.#versions(ownVersion, count, bytes);
    const envelope = {
      source: this.#source,
      node: tail.node,
      cluster: tail.cluster,
      raw: new LineRecord(bytes, start, end),
    };
    return withFields(
      shape.kind,
      this.#tails.at,
      envelope,
      ownVersion.facts,
      newParent(ownVersion, parentVersion),
      newAncestors(ownVersion, versions),
      fields,
    );
  }

  #shapeAt(bytes: Buffer, start: number): KindShape | undefined {
    for (const shape of this.#shapes) if (startsWith(bytes, start, shape.head)) return shape;
    return undefined;
  }

  /** Reads the ancestors' blocks; their number, or -1 when they are not followed by the end of the body. */
  #chain(own: Version | null, bytes: Buffer, start: number, bodyEnd: number): number {
    const before = own?.ancestors;
    let at = start;
    for (let count = 0; ; count++) {
      let block = this.#ancestors[count];
      if (block === undefined) {
        block = newBlock();
        this.#ancestors.push(block);
      }
      if (this.#recognise(block, before?.[count] ?? null, 'relative', bytes, at, bodyEnd) < 0) {
        const next = endOf(bytes, NEXT_ANCESTOR, at, bodyEnd);
        if (!this.#read(block, bytes, at, next < 0 ? bodyEnd - 1 : next)) return -1;
      }
      at = block.end;
      if (bytes[at] === CLOSE) return at + 1 === bodyEnd ? count + 1 : -1;
      if (bytes[at] !== COMMA) return -1;
      at++;
    }
  }

  /** Compares the block at `at` with what is known of it; its end, or -1. */
  #recognise(
    block: Block,
    expected: Version | null,
    role: 'own' | 'relative',
    bytes: Buffer,
    at: number,
    limit: number,
  ): number {
    block.start = at;
    block.facts = null;
    if (expected !== null && this.#fits(block, expected, bytes, at, limit)) return block.end;
    block.known = null;
    if (!startsWith(bytes, at, EXEC_ID_KEY)) return -1;
    const idStart = at + EXEC_ID_KEY.length;
    const idEnd = bytes.indexOf(QUOTE, idStart);
    if (idEnd < 0 || idEnd - idStart > EXEC_ID_BYTES_MAX) return -1;
    const execId = bytes.toString('latin1', idStart, idEnd);
    const version = this.#memory.last(execId, role);
    if (version !== null && version !== expected && this.#fits(block, version, bytes, at, limit)) return block.end;
    const other = this.#memory.last(execId, role === 'own' ? 'relative' : 'own');
    if (other === null || !this.#fits(block, other, bytes, at, limit)) return -1;
    block.known = this.#memory.adopt(execId, role, other);
    return block.end;
  }

  #fits(block: Block, version: Version, bytes: Buffer, at: number, limit: number): boolean {
    if (version.template === null) return false;
    const end = matchTemplate(version.template, bytes, at, limit);
    if (end < 0) return false;
    block.known = version;
    block.end = end;
    return true;
  }

  #read(block: Block, bytes: Buffer, start: number, end: number): boolean {
    const facts = end < 0 ? null : this.#blocks.read(bytes, start, end);
    if (facts === null) return false;
    block.start = start;
    block.end = end;
    block.known = null;
    block.facts = facts;
    return true;
  }

  /** The event's own fields between its blocks: many events of a policy have the same. */
  #fields(shape: KindShape, bytes: Buffer, start: number, end: number): OwnFields | null {
    if (start === end) return shape.none;
    return bytes[start] === COMMA ? shape.fields.get(bytes, start, end, shape.read) : null;
  }

  #remember(block: Block, role: 'own' | 'relative', bytes: Buffer): Version {
    if (block.known !== null) return block.known;
    const version = this.#memory.versionOf(block.facts as ProcessFacts, role);
    version.template = makeTemplate(bytes, block.start, block.end);
    return version;
  }

  #versions(own: Version, count: number, bytes: Buffer): readonly Version[] {
    const before = own.ancestors;
    let same = before.length === count;
    for (let i = 0; same && i < count; i++) same = (this.#ancestors[i] as Block).known === before[i];
    if (same) return before;
    return this.#ancestors.slice(0, count).map(block => this.#remember(block, 'relative', bytes));
  }
}

const NO_VERSIONS: readonly Version[] = [];

/** Where the ancestors begin, which end the body when there are any. */
function ancestorsIn(bytes: Buffer, from: number, bodyEnd: number): number {
  const last = bytes[bodyEnd - 1] === CLOSE && bytes[bodyEnd - 2] === BRACE;
  return last ? indexWithin(bytes, ANCESTORS_KEY, from, bodyEnd) : -1;
}

/** Where a block ends of which `needle`, beginning with its closing brace, comes next; -1 when it does not. */
function endOf(bytes: Buffer, needle: Buffer, from: number, limit: number): number {
  const at = indexWithin(bytes, needle, from, limit);
  return at < 0 ? -1 : at + 1;
}

function parentEnd(shape: KindShape, bytes: Buffer, start: number, ancestors: number, bodyEnd: number): number {
  let end = ancestors < 0 ? bodyEnd : ancestors;
  for (const needle of shape.afterParent) {
    const at = endOf(bytes, needle, start, end + 1);
    if (at >= 0) end = at;
  }
  return end;
}

/** The event's own fields, of `,"key":value…`; null when that is not all there is. */
function readFields(kind: ProcessEventKind, text: string): OwnFields | null {
  const parsed = parseObject(`{${text.slice(1)}}`);
  if (parsed === null) return null;
  for (const key of BLOCK_KEYS) if (key in parsed) return null;
  return ownFields(kind, parsed);
}
