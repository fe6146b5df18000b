/**
 * `tetragon.GetEventsResponse` bytes → events, by the same rules as the JSON decoder. Only what the model holds is read: the
 * own process, parent and ancestors are recognised by their bytes, stack traces are passed over, the small rest is decoded.
 */
import type { Event, ProcessEvent, ProcessEventKind } from '../../model/event.ts';
import type { Instant } from '../../model/time.ts';
import { type Interned, splitNodeName } from '../intern.ts';
import { NO_ANCESTORS, newAncestors, newParent } from '../json/memory.ts';
import {
  assemble,
  type Envelope,
  processEvent,
  rateLimitFact,
  tetragonEnvelope,
  throttleFact,
} from '../json/tetragon.ts';
import { isObject } from '../json/values.ts';
import { type Block, ProcessBlocks } from './blocks.ts';
import { exportJson, type JsonObject, readFieldInto } from './export-json.ts';
import { BYTES, newTextMemo, Reader, readInstant, WireError } from './reader.ts';
import { MessageRecord, TextRecord } from './record.ts';
import { type MessageSpec, messageSpec } from './schema.ts';

const NODE_NAME = 1000;
const TIME = 1001;
const CLUSTER_NAME = 1003;
const PROCESS_THROTTLE = 27;
const TEST = 40_000;
const RATE_LIMIT_INFO = 40_001;

/** Fields of an event's message whose values the model does not hold. */
const PASSED_OVER = ['kernel_stack_trace', 'user_stack_trace', 'data', 'return_action', 'ima_hash', 'buildid'];

/** One kind of process event: where its blocks stand. */
interface Layout {
  readonly kind: ProcessEventKind;
  readonly spec: MessageSpec;
  readonly process: number;
  readonly parent: number;
  readonly ancestors: number;
}

function layouts(response: MessageSpec): Map<number, Layout> {
  const out = new Map<number, Layout>();
  for (const [number, { name, message }] of response.fields) {
    if (message === null || !name.startsWith('process_') || number === PROCESS_THROTTLE) continue;
    const numbers = new Map([...message.fields].map(([inner, field]) => [field.name, inner]));
    const fields = new Map([...message.fields].filter(([, field]) => !PASSED_OVER.includes(field.name)));
    out.set(number, {
      kind: name as ProcessEventKind,
      spec: { ...message, fields },
      process: numbers.get('process') ?? 0,
      parent: numbers.get('parent') ?? 0,
      ancestors: numbers.get('ancestors') ?? 0,
    });
  }
  return out;
}

export class TetragonDecoder {
  readonly #response = messageSpec('tetragon.GetEventsResponse');
  readonly #layouts = layouts(this.#response);
  readonly #source: string;
  readonly blocks: ProcessBlocks;
  /** Messages of a kind that this version does not know, which were passed over. */
  unknownKinds = 0;
  readonly #nodeMemo = newTextMemo();
  readonly #clusterMemo = newTextMemo();
  #nodeName = '';
  #node: { readonly node: string; readonly cluster: string } = { node: '', cluster: '' };
  /** Starts and ends of the ancestors of the event at hand. */
  readonly #chain: number[] = [];

  constructor(source: string, interned: Interned) {
    this.#source = source;
    this.blocks = new ProcessBlocks(interned);
  }

  /** Null for kinds of no use, of which unknown ones are counted. Throws `WireError` when the bytes are no such event. */
  decode(bytes: Buffer): Event | null {
    const reader = new Reader(bytes);
    let number = 0;
    let start = 0;
    let end = 0;
    let time: Instant | null = null;
    let nodeName = '';
    let clusterName = '';
    while (reader.pos < bytes.length) {
      const tag = reader.uint32();
      const field = tag >>> 3;
      if ((tag & 7) !== BYTES) reader.skip(tag & 7);
      else if (field === NODE_NAME) nodeName = reader.repeatedString(this.#nodeMemo);
      else if (field === CLUSTER_NAME) clusterName = reader.repeatedString(this.#clusterMemo);
      else if (field === TIME) time = readInstant(reader, reader.length());
      else {
        const to = reader.length();
        if (field < NODE_NAME || field >= TEST) {
          number = field;
          start = reader.pos;
          end = to;
        }
        reader.pos = to;
      }
    }
    const { node, cluster } = this.#nodeOf(nodeName);
    const raw = new MessageRecord(this.#response, bytes);
    const envelope = { source: this.#source, node, cluster: clusterName || cluster, raw };
    reader.pos = start;
    const layout = this.#layouts.get(number);
    if (layout !== undefined) return this.#process(layout, reader, end, time, envelope);
    if (number === RATE_LIMIT_INFO || number === PROCESS_THROTTLE) return this.#fact(bytes, envelope);
    if (number !== TEST) this.unknownKinds++;
    return null;
  }

  /** The event reaches nobody: what it said about the relatives of its process is said again. */
  takeBack(event: Event): void {
    if ('process' in event) this.blocks.takeBack(event.process.execId);
  }

  #fact(bytes: Buffer, envelope: Envelope): Event {
    const line = exportJson(this.#response, bytes);
    const { rate_limit_info: limit, process_throttle: throttle } = line;
    const fact = isObject(limit)
      ? rateLimitFact(line, limit, envelope)
      : throttleFact(line, throttle as JsonObject, envelope);
    if (fact === null) throw new WireError('an event without a time');
    return fact;
  }

  /** A process_exec that came in another way than as a message: `line` is what the export would have printed. */
  execOf(line: { readonly process_exec: JsonObject; readonly [key: string]: unknown }): ProcessEvent | null {
    const envelope = tetragonEnvelope(line, this.#source, new TextRecord(JSON.stringify(line)));
    return processEvent('process_exec', line, line.process_exec, envelope, this.blocks.memory);
  }

  #process(layout: Layout, reader: Reader, end: number, at: Instant | null, envelope: Envelope): ProcessEvent {
    const { bytes } = reader;
    const chain = this.#chain;
    chain.length = 0;
    const body: JsonObject = {};
    let own: Block | null = null;
    let parentStart = -1;
    let parentEnd = 0;
    reader.end = end;
    while (reader.pos < end) {
      const tag = reader.uint32();
      const field = tag >>> 3;
      if (field === layout.process && (tag & 7) === BYTES) {
        const to = reader.length();
        own = this.blocks.block(bytes, reader.pos, to, 'own');
        reader.pos = to;
      } else if (field === layout.parent && (tag & 7) === BYTES) {
        parentEnd = reader.length();
        parentStart = reader.pos;
        reader.pos = parentEnd;
      } else if (field === layout.ancestors && (tag & 7) === BYTES) {
        const to = reader.length();
        chain.push(reader.pos, to);
        reader.pos = to;
      } else readFieldInto(layout.spec, tag, reader, body);
    }
    if (own === null) throw new WireError('an event without a process');
    // The envelope may lack a time; the process has the one at which it started.
    const { facts } = own.version;
    const time = at ?? { time: facts.startTime, ns: facts.startNs };
    const parent = parentStart < 0 ? null : this.#parent(own, bytes, parentStart, parentEnd);
    const ancestors = chain.length === 0 ? NO_ANCESTORS : this.#ancestors(own, bytes);
    return assemble(layout.kind, time, envelope, facts, parent, ancestors, body);
  }

  #parent(own: Block, bytes: Buffer, start: number, end: number): ProcessEvent['parent'] {
    const block = this.blocks.block(bytes, start, end, 'relative', own.parent);
    if (block.version.facts.execId === '') return null;
    own.parent = block;
    return newParent(own.version, block.version);
  }

  #ancestors(own: Block, bytes: Buffer): ProcessEvent['ancestors'] {
    const chain = this.#chain;
    const start = chain[0] as number;
    const end = chain[chain.length - 1] as number;
    const before = own.chain;
    if (before !== null && before.length === end - start && before.compare(bytes, start, end) === 0)
      return NO_ANCESTORS;
    own.chain = own.bytes === null ? null : Buffer.from(bytes.subarray(start, end));
    const expected = own.ancestors;
    let changed = expected.length !== chain.length / 2;
    for (let i = 0; i < chain.length; i += 2) {
      const last = expected[i / 2] ?? null;
      const block = this.blocks.block(bytes, chain[i] as number, chain[i + 1] as number, 'relative', last);
      if (block === last) continue;
      expected[i / 2] = block;
      changed = true;
    }
    if (!changed) return NO_ANCESTORS;
    expected.length = chain.length / 2;
    return newAncestors(
      own.version,
      expected.filter(block => block.version.facts.execId !== '').map(block => block.version),
    );
  }

  #nodeOf(name: string): { readonly node: string; readonly cluster: string } {
    if (name !== this.#nodeName) {
      this.#nodeName = name;
      this.#node = splitNodeName(name);
    }
    return this.#node;
  }
}
