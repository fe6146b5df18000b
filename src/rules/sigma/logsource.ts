/** Sigma's log sources → kinds of events, or why there are none. */
import { findField } from '../catalogue/catalogue.ts';
import { CATEGORIES } from '../categories.ts';
import { ALWAYS, both, type Condition } from '../condition.ts';
import { didYouMean } from '../names.ts';
import { isRecord } from '../yaml.ts';

export type LogSource =
  | {
      readonly status: 'native';
      readonly condition: Condition;
      /** Of native rules, or '' for any event. */
      readonly category: string;
      /** What such an event must satisfy besides. */
      readonly also: Condition | null;
    }
  /** `key` is the part of `logsource` that decides. */
  | { readonly status: 'unsupported' | 'skipped'; readonly key: string; readonly reason: string };

/** Products whose events are among those of the sensors. */
const PRODUCTS = new Set(['linux', 'kubernetes', 'tetragon', 'hubble', 'cilium']);
/** A product, in lower case, of whose events no sensor tells. */
export const isOtherProduct = (product: string): boolean => product !== '' && !PRODUCTS.has(product);

/** Services that write the very events that a category names. */
const EVENT_SERVICES = new Set(['sysmon', 'tetragon', 'hubble', 'cilium']);

/** What applications and devices write of themselves; no sensor of processes or packets sees it. */
const OTHER_LOGS: Readonly<Record<string, string>> = {
  antivirus: 'messages of virus scanners',
  application: 'logs of applications',
  authentication: 'logs of authentication',
  database: 'logs of databases',
  firewall: 'logs of firewalls',
  proxy: 'logs of proxies',
  webserver: 'logs of web servers',
};

/** Sysmon's and Windows' categories that nothing on Linux answers to. */
const NEVER = new Set([
  'clipboard_capture',
  'create_remote_thread',
  'create_stream_hash',
  'driver_load',
  'file_block_executable',
  'file_block_shredding',
  'file_change',
  'file_executable_detected',
  'image_load',
  'pipe_created',
  'process_access',
  'process_tampering',
  'ps_classic_provider_start',
  'ps_classic_start',
  'ps_module',
  'ps_script',
  'raw_access_thread',
  'registry_add',
  'registry_delete',
  'registry_event',
  'registry_rename',
  'registry_set',
  'sysmon_error',
  'sysmon_status',
  'wmi_event',
]);

const access = findField('file.access');
const hook = findField('kprobe.function');

/** Created or overwritten: a hook that says how the file was used must speak of opening or writing. */
const WRITTEN: Condition | null =
  access === null
    ? null
    : {
        type: 'or',
        of: [
          { type: 'exists', field: access, value: false },
          {
            type: 'text',
            field: access,
            negated: false,
            quantifier: 'any',
            cased: true,
            baseName: false,
            patterns: [
              { type: 'equals', text: 'write' },
              { type: 'equals', text: 'open' },
            ],
          },
        ],
      };

const calledLike = (...texts: readonly string[]): Condition | null =>
  hook === null
    ? null
    : {
        type: 'text',
        field: hook,
        negated: false,
        quantifier: 'any',
        cased: true,
        baseName: false,
        patterns: texts.map(text => ({ type: 'contains', text }) as const),
      };

interface Row {
  /** Spoor's category. */
  readonly category: string;
  readonly also: Condition | null;
}

const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([
  ...[...CATEGORIES.keys()].map((name): [string, Row] => [name, { category: name, also: null }]),
  ['file_event', { category: 'file_event', also: WRITTEN }],
  ['file_delete', { category: 'file_event', also: calledLike('unlink', 'rmdir') }],
  ['file_delete_detected', { category: 'file_event', also: calledLike('unlink', 'rmdir') }],
  ['file_rename', { category: 'file_event', also: calledLike('rename') }],
]);

const text = (value: unknown): string => (typeof value === 'string' ? value.trim().toLowerCase() : '');

/** Without a `logsource` the fields alone say which events are meant. */
export function readLogSource(value: unknown): LogSource {
  if (value === undefined) return { status: 'native', condition: ALWAYS, category: '', also: null };
  if (!isRecord(value)) return { status: 'unsupported', key: '', reason: 'logsource is no map' };
  const product = text(value.product);
  const category = text(value.category);
  const service = text(value.service);
  if (isOtherProduct(product))
    return { status: 'skipped', key: 'product', reason: `events of ${product}, not of Linux` };
  if (category !== '') {
    const row = ROWS.get(category);
    const known = row === undefined ? undefined : CATEGORIES.get(row.category);
    if (row !== undefined && known !== undefined && (service === '' || EVENT_SERVICES.has(service))) {
      const condition: Condition = { type: 'category', category: known };
      const whole = row.also === null ? condition : both(condition, row.also);
      return { status: 'native', condition: whole, ...row };
    }
    if (row !== undefined)
      return { status: 'unsupported', key: 'service', reason: `the log of ${service} is not read` };
    const other = OTHER_LOGS[category];
    if (other !== undefined) return { status: 'skipped', key: 'category', reason: `${other} are not read` };
    if (NEVER.has(category))
      return { status: 'unsupported', key: 'category', reason: `no sensor reports events of ${category}` };
    const hint = didYouMean(category, ROWS.keys());
    return {
      status: 'unsupported',
      key: 'category',
      reason: `unknown category ${category}${hint === '' ? '' : ` (${hint})`}`,
    };
  }
  if (service !== '')
    return {
      status: 'unsupported',
      key: 'service',
      reason:
        service === 'auditd'
          ? 'records of auditd (type, a0…aN, syscall) are not read: the process_creation and file_event rules say the same'
          : `the log of ${service} is not read`,
    };
  if (product === '') return { status: 'unsupported', key: '', reason: 'no log source is named' };
  return { status: 'unsupported', key: 'product', reason: `any log of ${product}: no category says which events` };
}
