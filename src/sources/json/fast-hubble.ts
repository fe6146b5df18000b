/**
 * The fast path for Hubble's flows. Between time, uuid and ports, which are new in each flow, lie pieces that repeat: addresses,
 * endpoints, and what happened to the packet. Each piece is recognised by its bytes; only layer 7, when there is any, is parsed.
 * Whatever is not of the exact shape that the exporter prints is left to the slow path.
 */
import type { FlowEvent, Protocol } from '../../model/event.ts';
import type { Interned } from '../intern.ts';
import { COMMA, digits, digitsEnd, Landmark, parseObject, plainStringEnd, startsWith } from './bytes.ts';
import { ByteClock } from './clock.ts';
import { FlowDraft, PROTOCOLS, tcpFlags } from './hubble.ts';
import { LineRecord } from './record.ts';
import { SegmentCache } from './segments.ts';
import { Tails } from './tail.ts';
import { isObject, type Json, object } from './values.ts';

const HEAD = Buffer.from('{"flow":{"time":"');
const UUID_KEY = Buffer.from('","uuid":"');
const DESTINATION_PORT_KEY = Buffer.from(',"destination_port":');
const TYPE_L7 = Buffer.from(',"Type":"L7"');

const TIME_BYTES_MAX = 40;
const UUID_BYTES_MAX = 64;
/** How far into the line the ports stand at most. */
const PORTS_WITHIN = 1_024;

const PIECES_MAX = 8_192;
const COMBINATIONS_MAX = 8_192;
/** Numbers of pieces stay below this, so that two of them fit into one small integer, which maps find fastest. */
const PIECE_NUMBERS_MAX = 2 ** 15;

/** One piece: what its members say of a flow, and a number that stands for it. */
interface Piece {
  readonly number: number;
  readonly keys: readonly string[];
  readonly fields: Partial<FlowDraft>;
  /** Combinations that end with this piece, by the numbers of the other two. */
  readonly combinations: Map<number, Combination>;
}

/** Three pieces put together, to be copied and completed. */
interface Combination {
  readonly draft: FlowDraft;
  readonly keys: ReadonlySet<string>;
}

/** Keys whose value comes from elsewhere in the line: a piece that has one of them is not of the expected shape. */
const TAKEN = ['time', 'uuid'] as const;

const NOTHING: Readonly<FlowDraft> = new FlowDraft();

export class FastHubble {
  readonly #source: string;
  readonly #interned: Interned;
  readonly #tails = new Tails();
  readonly #clock = new ByteClock();
  readonly #sourcePort = new Landmark('"source_port":');
  readonly #type = new Landmark(',"Type":"');
  readonly #l7 = new Landmark(',"l7":{');
  readonly #addresses = new SegmentCache<Piece>({ slots: PIECES_MAX, onSecondSight: false });
  readonly #endpoints = new SegmentCache<Piece>({ slots: PIECES_MAX, onSecondSight: false });
  readonly #facts = new SegmentCache<Piece>({ slots: PIECES_MAX, onSecondSight: false });
  readonly #layers = new SegmentCache<Json>({ slots: PIECES_MAX, onSecondSight: true });
  #combinations = 0;
  #pieces = 0;

  constructor(source: string, interned: Interned) {
    this.#source = source;
    this.#interned = interned;
  }

  /** The line's event, or null when the slow path must decode it. */
  decode(bytes: Buffer, start: number, end: number): FlowEvent | null {
    if (!startsWith(bytes, start, HEAD)) return null;
    if (this.#pieces + 3 > PIECE_NUMBERS_MAX || this.#combinations >= COMBINATIONS_MAX) this.#restart();
    const bodyEnd = this.#tails.find(bytes, start, end);
    const tail = this.#tails.tail;
    if (bodyEnd < 0 || tail === null || tail.nodeName === '') return null;
    const timeStart = start + HEAD.length;
    const timeEnd = plainStringEnd(bytes, timeStart, TIME_BYTES_MAX);
    const at = timeEnd < 0 ? null : this.#clock.read(bytes, timeStart, timeEnd);
    if (at === null) return null;
    let next = timeEnd + 1;
    let uuid = '';
    if (startsWith(bytes, timeEnd, UUID_KEY)) {
      const uuidStart = timeEnd + UUID_KEY.length;
      const uuidEnd = plainStringEnd(bytes, uuidStart, UUID_BYTES_MAX);
      if (uuidEnd < 0) return null;
      uuid = bytes.toString('latin1', uuidStart, uuidEnd);
      next = uuidEnd + 1;
    }

    const ports = this.#sourcePort.find(bytes, next, Math.min(bodyEnd, next + PORTS_WITHIN));
    if (ports < 0) return null;
    const sourceStart = ports + this.#sourcePort.length;
    const sourceEnd = digitsEnd(bytes, sourceStart);
    if (sourceEnd < 0 || !startsWith(bytes, sourceEnd, DESTINATION_PORT_KEY)) return null;
    const destinationStart = sourceEnd + DESTINATION_PORT_KEY.length;
    const destinationEnd = digitsEnd(bytes, destinationStart);
    if (destinationEnd < 0) return null;
    const type = this.#type.find(bytes, destinationEnd, bodyEnd);
    if (type < 0 || bytes[next] !== COMMA) return null;
    const l7 = startsWith(bytes, type, TYPE_L7) ? this.#l7.find(bytes, type, bodyEnd) : -1;

    const combination = this.#combine(
      this.#addresses.get(bytes, next, ports, this.#readAddresses),
      this.#endpoints.get(bytes, destinationEnd, type, this.#readEndpoints),
      this.#facts.get(bytes, type, l7 < 0 ? bodyEnd : l7, this.#readFacts),
    );
    if (combination === null) return null;
    const envelope = {
      source: this.#source,
      node: tail.node,
      cluster: tail.cluster,
      raw: new LineRecord(bytes, start, end),
    };
    const draft = l7 < 0 ? combination.draft : this.#withLayer(combination, bytes, l7, bodyEnd);
    if (draft === null) return null;
    draft.uuid = uuid;
    draft.sourcePort = digits(bytes, sourceStart, sourceEnd);
    draft.destinationPort = digits(bytes, destinationStart, destinationEnd);
    return draft.event(at, envelope);
  }

  /** From after the uuid into the object of ports: `,"verdict":…,"IP":{…},"l4":{"TCP":{`. */
  readonly #readAddresses = (text: string): Piece | null => {
    const members = parseObject(`{${text.slice(1)}"":0}}}`);
    const protocol = protocolOf(members?.l4);
    return members === null || protocol === '' ? null : this.#piece(members, { protocol });
  };

  /** From after the ports to before the type: `,"flags":{…}}},"source":{…},"destination":{…}`. */
  readonly #readEndpoints = (text: string): Piece | null => {
    const members = parseObject(`{"l4":{"TCP":{"":0${text}}`);
    const rest = protocolOf(members?.l4) === '' ? null : object(object(members?.l4)?.TCP);
    if (members === null || rest === null || 'source_port' in rest || 'destination_port' in rest) return null;
    return this.#piece(members, { tcpFlags: tcpFlags(object(rest.flags)) });
  };

  /** Whole members: `,"Type":"L3_L4","node_name":…`. */
  readonly #readFacts = (text: string): Piece | null => {
    const members = parseObject(`{${text.slice(1)}}`);
    return members === null || 'l4' in members ? null : this.#piece(members, {});
  };

  /** `l4`, which lies in two pieces, is read by each from its own part. */
  #piece({ l4: _, ...members }: Json, own: Partial<FlowDraft>): Piece | null {
    if (TAKEN.some(key => key in members)) return null;
    const draft = new FlowDraft();
    for (const key in members) draft.set(key, members[key], this.#interned);
    const said = Object.entries(draft).filter(([name, value]) => value !== NOTHING[name as keyof FlowDraft]);
    return {
      number: this.#pieces++,
      keys: Object.keys(members),
      fields: { ...Object.fromEntries(said), ...own },
      combinations: new Map(),
    };
  }

  /** At a limit everything is forgotten, so that no number ever means two pieces. */
  #restart(): void {
    this.#pieces = 0;
    this.#combinations = 0;
    this.#addresses.clear();
    this.#endpoints.clear();
    this.#facts.clear();
  }

  #combine(addresses: Piece | null, endpoints: Piece | null, facts: Piece | null): Combination | null {
    if (addresses === null || endpoints === null || facts === null) return null;
    const key = addresses.number * PIECE_NUMBERS_MAX + endpoints.number;
    const known = facts.combinations.get(key);
    if (known !== undefined) return known;
    const keys = new Set<string>([...TAKEN, 'l4', ...addresses.keys, ...endpoints.keys, ...facts.keys]);
    // A key that comes twice would count for the last one.
    if (keys.size !== TAKEN.length + 1 + addresses.keys.length + endpoints.keys.length + facts.keys.length) return null;
    const draft = Object.assign(new FlowDraft(), addresses.fields, endpoints.fields, facts.fields);
    const combination = { draft, keys };
    this.#combinations++;
    facts.combinations.set(key, combination);
    return combination;
  }

  /** The combination with layer 7 and what follows it. */
  #withLayer({ draft, keys }: Combination, bytes: Buffer, start: number, end: number): FlowDraft | null {
    const members = this.#layers.get(bytes, start, end, text => parseObject(`{${text.slice(1)}}`));
    if (members === null) return null;
    const own = Object.assign(new FlowDraft(), draft);
    for (const key in members) {
      if (keys.has(key)) return null;
      own.set(key, members[key], this.#interned);
    }
    return own;
  }
}

/** The protocol of `{"TCP": {"": 0, …}}`; '' when it is anything else. */
function protocolOf(l4: unknown): Protocol {
  if (!isObject(l4)) return '';
  const keys = Object.keys(l4);
  const only = keys.length === 1 ? PROTOCOLS.find(name => name === keys[0]) : undefined;
  const inner = only === undefined ? null : object(l4[only]);
  return inner !== null && inner[''] === 0 && only !== undefined ? only : '';
}
