/** Sigma's log source categories as kinds of events, and what such an event must carry. */
import type { EventKind } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { findField } from './catalogue/catalogue.ts';
import { FLOW_KINDS, HOOK_KINDS } from './catalogue/field.ts';

export interface Category {
  readonly name: string;
  readonly kinds: readonly EventKind[];
  /** Null when the kind says it all. */
  readonly guard: ((o: Observation) => boolean) | null;
  /** The sensor setting that gives such events, or ''. */
  readonly requires: string;
}

const filePath = findField('file.path');
const carriesFile = (o: Observation): boolean => {
  const path = filePath?.get(o, o.process);
  return path !== '' && path !== null && path !== undefined;
};

const rows: readonly Category[] = [
  { name: 'process_creation', kinds: ['process_exec'], guard: null, requires: '' },
  { name: 'process_termination', kinds: ['process_exit'], guard: null, requires: '' },
  {
    name: 'network_connection',
    kinds: [...FLOW_KINDS, ...HOOK_KINDS],
    guard: o => o.event.kind === 'flow' || o.socket !== null,
    requires: '',
  },
  { name: 'flow', kinds: FLOW_KINDS, guard: null, requires: 'hubble.flows' },
  { name: 'socket', kinds: HOOK_KINDS, guard: o => o.socket !== null, requires: 'policy.socket' },
  { name: 'file_event', kinds: HOOK_KINDS, guard: carriesFile, requires: 'policy.file' },
  { name: 'file_access', kinds: HOOK_KINDS, guard: carriesFile, requires: 'policy.file' },
  {
    name: 'dns',
    kinds: FLOW_KINDS,
    guard: o => o.event.kind === 'flow' && o.event.dns !== null,
    requires: 'hubble.dns',
  },
  {
    name: 'dns_query',
    kinds: FLOW_KINDS,
    guard: o => o.event.kind === 'flow' && o.event.dns !== null,
    requires: 'hubble.dns',
  },
  {
    name: 'http',
    kinds: FLOW_KINDS,
    guard: o => o.event.kind === 'flow' && o.event.http !== null,
    requires: 'hubble.http',
  },
  { name: 'kprobe', kinds: HOOK_KINDS, guard: null, requires: '' },
];

export const CATEGORIES: ReadonlyMap<string, Category> = new Map(rows.map(row => [row.name, row]));
