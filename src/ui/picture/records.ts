/** The sensors' records behind an alert that are about one process or one connection. */
import type { Alert } from '../../api/contract.ts';
import { clock } from '../text.ts';

type Subject =
  | { readonly kind: 'process'; readonly execId: string }
  /** `ip:port` of their clients' ends. */
  | { readonly kind: 'connection'; readonly clients: ReadonlySet<string> };

interface SensorRecord {
  readonly key: string;
  readonly title: string;
  readonly raw: unknown;
}

const RECORDS_MAX = 20;

type Json = Readonly<Record<string, unknown>>;
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

function isAbout(raw: unknown, subject: Subject): boolean {
  const record = object(raw);
  const name = Object.keys(record).find(key => key === 'flow' || key.startsWith('process_')) ?? '';
  const body = object(record[name]);
  if (subject.kind === 'process') return name !== 'flow' && object(body.process).exec_id === subject.execId;
  if (name === 'flow') {
    const ip = object(body.IP ?? body.ip);
    const ports = object(Object.values(object(body.l4))[0]);
    const ends = [`${ip.source}:${ports.source_port}`, `${ip.destination}:${ports.destination_port}`];
    return ends.some(end => subject.clients.has(end));
  }
  const sockets = Array.isArray(body.args) ? body.args.map(each => object(object(each).sock_arg)) : [];
  return sockets.some(({ saddr, sport }) => subject.clients.has(`${saddr}:${sport}`));
}

export function recordsOf(alerts: readonly Alert[], subject: Subject): SensorRecord[] {
  const records = new Map<string, SensorRecord>();
  for (const { evidence } of alerts) {
    for (const { kind, time, raw } of evidence) {
      if (records.size >= RECORDS_MAX || !isAbout(raw, subject)) continue;
      const key = `${time} ${kind}`;
      records.set(key, { key, title: `${kind}, ${clock(time)}`, raw });
    }
  }
  return [...records.values()];
}
