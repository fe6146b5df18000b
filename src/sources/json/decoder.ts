/**
 * Lines of JSON, as Tetragon's export and Hubble print them, → events. The slow path parses the whole line and takes every
 * shape; the fast path proves by comparing bytes that most of a line repeats what is known. Both give the same events.
 */
import { type Event, PROCESS_EVENT_KINDS, type ProcessEventKind } from '../../model/event.ts';
import { LIMITS } from '../../model/limits.ts';
import { Interned } from '../intern.ts';
import { FastHubble } from './fast-hubble.ts';
import { FastTetragon } from './fast-tetragon.ts';
import { flowEvent, hubbleEnvelope, lostEventsFact, nodeStatusFact } from './hubble.ts';
import { ProcessMemory } from './memory.ts';
import { LineRecord } from './record.ts';
import { type Shape, shapeOf } from './shapes.ts';
import { processEvent, rateLimitFact, tetragonEnvelope, throttleFact } from './tetragon.ts';
import { isObject } from './values.ts';

export interface DecoderOptions {
  /** Written into each event's `source`. */
  readonly source?: string;
  /** False: parse every line whole. For comparison in tests. */
  readonly fast?: boolean;
}

/** Why a line is no event. */
export class Malformed {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

/** Kinds that are known and say nothing that Spoor uses. */
const PASSED_OVER = new Set(['agent_event', 'debug_event', 'test']);

/** A line of a container's log as the kubelet stores it: time, stream, tag, text. */
const CRI_PREFIX = /^\S{20,40} (?:stdout|stderr) F (?=\{)/;

export class JsonDecoder {
  readonly #source: string;
  readonly #interned = new Interned();
  readonly #memory = new ProcessMemory(this.#interned);
  readonly #fastTetragon: FastTetragon | null;
  readonly #fastHubble: FastHubble | null;
  /** Lines of an unknown kind, which were passed over. */
  unknownKinds = 0;
  /** Events of the fast path, of all. */
  fastEvents = 0;

  constructor(options: DecoderOptions = {}) {
    this.#source = options.source ?? '';
    this.#fastTetragon = options.fast === false ? null : new FastTetragon(this.#source, this.#memory, this.#interned);
    this.#fastHubble = options.fast === false ? null : new FastHubble(this.#source, this.#interned);
  }

  /**
   * Decodes the line in `bytes[start, end)`, without its line end. Null for blank lines and for events of no use, of which
   * unknown kinds are counted. The event's `raw` shares `bytes`.
   */
  decode(bytes: Buffer, start: number, end: number): Event | Malformed | null {
    if (end - start > LIMITS.lineBytesMax) return new Malformed('line too long');
    const event = this.#fastTetragon?.decode(bytes, start, end) ?? this.#fastHubble?.decode(bytes, start, end);
    if (event) {
      this.fastEvents++;
      return event;
    }
    return this.#slow(bytes, start, end);
  }

  /** The event reaches nobody: what it said about the relatives of its process is said again. */
  takeBack(event: Event): void {
    if ('process' in event) this.#memory.takeBack(event.process.execId);
  }

  #slow(bytes: Buffer, start: number, end: number): Event | Malformed | null {
    const line = bytes.toString('utf8', start, end);
    const value = parse(line);
    if (value instanceof Malformed) return isBlank(line) ? null : value;
    const shape = shapeOf(value);
    if (shape === null) {
      if (!isObject(value)) return new Malformed('not a JSON object');
      this.unknownKinds++;
      return null;
    }
    if (PASSED_OVER.has(shape.kind)) return null;
    return (
      this.#event(shape, new LineRecord(bytes, start, end)) ?? new Malformed(`${shape.kind} without process or time`)
    );
  }

  #event({ kind, line, body }: Shape, raw: LineRecord): Event | null {
    if (isProcessKind(kind)) {
      return processEvent(kind, line, body, tetragonEnvelope(line, this.#source, raw), this.#memory);
    }
    switch (kind) {
      case 'rate_limit_info':
        return rateLimitFact(line, body, tetragonEnvelope(line, this.#source, raw));
      case 'process_throttle':
        return throttleFact(line, body, tetragonEnvelope(line, this.#source, raw));
      case 'lost_events':
        return lostEventsFact(line, body, hubbleEnvelope(line, body, this.#source, raw));
      case 'node_status':
        return nodeStatusFact(line, body, hubbleEnvelope(line, body, this.#source, raw));
      default:
        return flowEvent(line, body, hubbleEnvelope(line, body, this.#source, raw), this.#interned);
    }
  }
}

function isProcessKind(kind: string): kind is ProcessEventKind {
  return (PROCESS_EVENT_KINDS as readonly string[]).includes(kind);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line.charCodeAt(0) === 0x7b ? line : line.replace(CRI_PREFIX, '').replace(/^\0+/, ''));
  } catch {
    return new Malformed('not JSON');
  }
}

function isBlank(line: string): boolean {
  return /^[\s\0\ufeff]*$/.test(line);
}

/** One line → its event, for tests. Throws when it is none. */
export function decodeLine(text: string): Event {
  const bytes = Buffer.from(text);
  const event = new JsonDecoder().decode(bytes, 0, bytes.length);
  if (event === null || event instanceof Malformed)
    throw new Error(`no event: ${event?.problem ?? 'blank or unknown'}`);
  return event;
}
