/** `flow.Flow` bytes → event, field by field: nothing is made that the event does not hold, blocks that repeat are made once. */
import type { Endpoint, FlowEvent, Protocol } from '../../model/event.ts';
import type { Instant } from '../../model/time.ts';
import {
  DIRECTIONS,
  DROP_REASONS,
  type EnumNames,
  FLOW_TYPES,
  OBSERVATION_POINTS,
  TRACE_REASONS,
  VERDICTS,
} from '../enums.ts';
import type { Interned } from '../intern.ts';
import { FlowDraft } from '../json/hubble.ts';
import type { Envelope } from '../json/tetragon.ts';
import { readJson } from './export-json.ts';
import { Parts } from './parts.ts';
import { BYTES, type Reader, readInstant, VARINT } from './reader.ts';
import { messageSpec } from './schema.ts';

/** By field number of Layer4. */
const PROTOCOLS: readonly Protocol[] = ['', 'TCP', 'UDP', 'ICMPv4', 'ICMPv6', 'SCTP', 'VRRP', 'IGMP'];
const WITH_PORTS: ReadonlySet<Protocol> = new Set(['TCP', 'UDP', 'SCTP'] as const);
/** By field number of TCPFlags, from 1. */
const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'];

export class FlowReader {
  readonly #endpoints: Parts<Endpoint>;
  readonly #services: Parts<NonNullable<FlowEvent['sourceService']>>;
  readonly #layer7Spec = messageSpec('flow.Layer7');
  readonly #interned: Interned;

  constructor(interned: Interned) {
    this.#interned = interned;
    this.#endpoints = new Parts('flow.Endpoint', block => draftOf('source', block, interned).sourceEndpoint);
    this.#services = new Parts('flow.Service', block => draftOf('source_service', block, interned).sourceService);
  }

  /** Reads the flow that ends at `end`; null when neither it nor its envelope has a time. */
  read(reader: Reader, end: number, time: Instant | null, envelope: Envelope): FlowEvent | null {
    const draft = new FlowDraft();
    let at = time;
    reader.end = end;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === TIME) at = readInstant(reader, reader.length());
      else if (!this.#blocks(draft, tag, reader) && !setScalar(draft, tag, reader)) reader.skip(tag & 7);
    }
    return at === null ? null : draft.event(at, envelope);
  }

  #blocks(draft: FlowDraft, tag: number, reader: Reader): boolean {
    switch (tag) {
      case SOURCE:
        draft.sourceEndpoint = this.#endpoints.next(reader);
        return true;
      case DESTINATION:
        draft.destinationEndpoint = this.#endpoints.next(reader);
        return true;
      case SOURCE_SERVICE:
        draft.sourceService = this.#services.next(reader);
        return true;
      case DESTINATION_SERVICE:
        draft.destinationService = this.#services.next(reader);
        return true;
      case LAYER7:
        draft.set('l7', readJson(this.#layer7Spec, reader, reader.length()), this.#interned);
        return true;
      default:
        return false;
    }
  }
}

/** A draft of one member, to make of it what the JSON decoder makes. */
function draftOf(key: string, value: unknown, interned: Interned): FlowDraft {
  const draft = new FlowDraft();
  draft.set(key, value, interned);
  return draft;
}

const tagOf = (field: number, wireType: number): number => (field << 3) | wireType;

const TIME = tagOf(1, BYTES);
const VERDICT = tagOf(2, VARINT);
const OLD_DROP_REASON = tagOf(3, VARINT);
const IP = tagOf(5, BYTES);
const LAYER4 = tagOf(6, BYTES);
const SOURCE = tagOf(8, BYTES);
const DESTINATION = tagOf(9, BYTES);
const TYPE = tagOf(10, VARINT);
const SOURCE_NAMES = tagOf(13, BYTES);
const DESTINATION_NAMES = tagOf(14, BYTES);
const LAYER7 = tagOf(15, BYTES);
const EVENT_TYPE = tagOf(19, BYTES);
const SOURCE_SERVICE = tagOf(20, BYTES);
const DESTINATION_SERVICE = tagOf(21, BYTES);
const DIRECTION = tagOf(22, VARINT);
const OBSERVATION_POINT = tagOf(24, VARINT);
const DROP_REASON = tagOf(25, VARINT);
const IS_REPLY = tagOf(26, BYTES);
const INTERFACE = tagOf(28, BYTES);
const PROXY_PORT = tagOf(29, VARINT);
const UUID = tagOf(34, BYTES);
const TRACE_REASON = tagOf(36, VARINT);
const EGRESS_ALLOWED_BY = tagOf(21_001, BYTES);
const INGRESS_ALLOWED_BY = tagOf(21_002, BYTES);
const EGRESS_DENIED_BY = tagOf(21_004, BYTES);
const INGRESS_DENIED_BY = tagOf(21_005, BYTES);
const SUMMARY = tagOf(100_000, BYTES);

/** Reads one field of the flow's own; false when it is none that the event holds. */
function setScalar(draft: FlowDraft, tag: number, reader: Reader): boolean {
  switch (tag) {
    case VERDICT:
      draft.verdict = name(VERDICTS, reader);
      return true;
    case OLD_DROP_REASON:
      setOldDropReason(draft, name(DROP_REASONS, reader));
      return true;
    case DROP_REASON:
      draft.dropReason = name(DROP_REASONS, reader) || draft.dropReason;
      return true;
    case IP:
      setIp(draft, reader, reader.length());
      return true;
    case LAYER4:
      setLayer4(draft, reader, reader.length());
      return true;
    case TYPE:
      draft.type = name(FLOW_TYPES, reader);
      return true;
    case SOURCE_NAMES:
      draft.sourceNames = [...draft.sourceNames, reader.string()];
      return true;
    case DESTINATION_NAMES:
      draft.destinationNames = [...draft.destinationNames, reader.string()];
      return true;
    case EVENT_TYPE:
      setEventType(draft, reader, reader.length());
      return true;
    case DIRECTION:
      draft.direction = name(DIRECTIONS, reader);
      return true;
    case OBSERVATION_POINT:
      draft.observationPoint = name(OBSERVATION_POINTS, reader);
      return true;
    case TRACE_REASON:
      draft.traceReason = name(TRACE_REASONS, reader);
      return true;
    case IS_REPLY:
      draft.isReply = numberIn(reader, reader.length(), tagOf(1, VARINT)) !== 0;
      return true;
    case INTERFACE:
      draft.interfaceName = textIn(reader, reader.length(), tagOf(2, BYTES));
      return true;
    case PROXY_PORT:
      draft.proxyPort = reader.uint32();
      return true;
    case UUID:
      draft.uuid = reader.string();
      return true;
    case SUMMARY:
      draft.summary = reader.string();
      return true;
    case EGRESS_ALLOWED_BY:
    case INGRESS_ALLOWED_BY:
    case EGRESS_DENIED_BY:
    case INGRESS_DENIED_BY: {
      const policy = textIn(reader, reader.length(), tagOf(1, BYTES));
      if (policy !== '') draft.policies = [...draft.policies, policy];
      return true;
    }
    default:
      return false;
  }
}

/** The old field counts where the new one is absent; it must be read in any case. */
function setOldDropReason(draft: FlowDraft, reason: string): void {
  draft.dropReason = draft.dropReason || reason;
}

function setIp(draft: FlowDraft, reader: Reader, end: number): void {
  const outer = reader.enter(end);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === tagOf(1, BYTES)) draft.sourceIp = reader.string();
    else if (tag === tagOf(2, BYTES)) draft.destinationIp = reader.string();
    else if (tag === tagOf(5, BYTES)) draft.sourceXlated = reader.string();
    else reader.skip(tag & 7);
  }
  reader.end = outer;
}

function setLayer4(draft: FlowDraft, reader: Reader, end: number): void {
  const outer = reader.enter(end);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const protocol = (tag & 7) === BYTES ? PROTOCOLS[tag >>> 3] : undefined;
    if (protocol === undefined) reader.skip(tag & 7);
    else {
      draft.protocol = protocol;
      const to = reader.length();
      if (WITH_PORTS.has(protocol)) setPorts(draft, reader, to);
      else reader.pos = to;
    }
  }
  reader.end = outer;
}

function setPorts(draft: FlowDraft, reader: Reader, end: number): void {
  const outer = reader.enter(end);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === tagOf(1, VARINT)) draft.sourcePort = reader.uint32();
    else if (tag === tagOf(2, VARINT)) draft.destinationPort = reader.uint32();
    else if (tag === tagOf(3, BYTES)) draft.tcpFlags = flags(reader, reader.length());
    else reader.skip(tag & 7);
  }
  reader.end = outer;
}

function setEventType(draft: FlowDraft, reader: Reader, end: number): void {
  const outer = reader.enter(end);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === tagOf(1, VARINT)) draft.eventType = reader.int32();
    else if (tag === tagOf(2, VARINT)) draft.eventSubType = reader.int32();
    else reader.skip(tag & 7);
  }
  reader.end = outer;
}

/** Texts of sets of flags by their bits: at most 512, made when first seen. */
const flagTexts: string[] = [''];

function flags(reader: Reader, end: number): string {
  const outer = reader.enter(end);
  let bits = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const bit = (tag >>> 3) - 1;
    if ((tag & 7) !== VARINT || bit >= TCP_FLAGS.length) reader.skip(tag & 7);
    else if (reader.bool()) bits |= 1 << bit;
  }
  reader.end = outer;
  const known = flagTexts[bits];
  if (known !== undefined) return known;
  const text = TCP_FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0).join(',');
  flagTexts[bits] = text;
  return text;
}

/** One string field of a message, whose other fields are passed over. */
function textIn(reader: Reader, end: number, wanted: number): string {
  const outer = reader.enter(end);
  let value = '';
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === wanted) value = reader.string();
    else reader.skip(tag & 7);
  }
  reader.end = outer;
  return value;
}

/** One number of a message, whose other fields are passed over. */
function numberIn(reader: Reader, end: number, wanted: number): number {
  const outer = reader.enter(end);
  let value = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === wanted) value = reader.uint64();
    else reader.skip(tag & 7);
  }
  reader.end = outer;
  return value;
}

function name(names: EnumNames, reader: Reader): string {
  const number = reader.int32();
  return names[number] ?? (number === 0 ? '' : String(number));
}
