/** Reads a sensor's record as evidence keeps it: JSON of Tetragon's or Hubble's export, trusted in nothing. */
import type { AlertProcess } from '../alerts/alert.ts';

type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function alertProcess(block: Json): AlertProcess {
  return {
    exec_id: text(block.exec_id),
    pid: number(block.pid) ?? 0,
    binary: text(block.binary),
    arguments: text(block.arguments),
    uid: number(block.uid),
    cwd: text(block.cwd),
    start_time: typeof block.start_time === 'string' ? block.start_time : null,
  };
}

/** The `process_*` or `flow` block of a record; null when there is none. */
function recordBody(raw: unknown): Json | null {
  const record = object(raw);
  if (record === null) return null;
  const key = Object.keys(record).find(name => name === 'flow' || name.startsWith('process_'));
  return key === undefined ? null : object(record[key]);
}

export interface RecordProcess {
  readonly process: AlertProcess;
  /** Its parent's exec_id, or null. */
  readonly parent: string | null;
  readonly node: string;
  /** `namespace/name`, or null. */
  readonly pod: string | null;
}

function podName(block: Json): string | null {
  const pod = object(block.pod);
  return pod === null ? null : `${text(pod.namespace)}/${text(pod.name)}`;
}

/** Every process block of a record: own, parent, ancestors. */
export function recordProcesses(raw: unknown): RecordProcess[] {
  const body = recordBody(raw);
  if (body === null) return [];
  const node = text(object(raw)?.node_name);
  const ancestors = Array.isArray(body.ancestors) ? body.ancestors : [];
  return [body.process, body.parent, ...ancestors]
    .map(object)
    .filter(block => block !== null)
    .filter(block => text(block.exec_id) !== '')
    .map(block => ({
      process: alertProcess(block),
      parent: text(block.parent_exec_id) || null,
      node,
      pod: podName(block),
    }));
}

/** One line for people: what the record says happened. Still an attacker's text. */
export function recordSummary(raw: unknown): string {
  const body = recordBody(raw);
  if (body === null) return '';
  const process = object(body.process);
  if (process !== null)
    return [text(body.function_name), text(process.binary), text(process.arguments)].filter(Boolean).join(' ');
  const ip = object(body.IP) ?? object(body.ip);
  const l4 = Object.values(object(body.l4) ?? {}).map(object)[0] ?? null;
  const end = (address: unknown, port: unknown): string =>
    `${text(address)}${number(port) === null ? '' : `:${number(port)}`}`;
  return `${end(ip?.source, l4?.source_port)} → ${end(ip?.destination, l4?.destination_port)} ${text(body.verdict)}`.trim();
}
