/** What a catalogue field is: a typed, documented way to read one value of an observation. */
import type { EventKind } from '../../model/event.ts';
import type { Observation } from '../../model/observation.ts';
import type { Process } from '../../model/process.ts';

/**
 * `strings` match when any element does. `instant` is Micros, written in rules as RFC 3339. `scalar` is a hook argument whose
 * type only the event knows: text and number comparisons both apply.
 */
export type FieldType = 'string' | 'strings' | 'ip' | 'number' | 'boolean' | 'instant' | 'scalar';

/** Absent: '', [] or null. */
export type FieldValue = string | number | boolean | readonly string[] | null;

/**
 * `subject` is the process that `process.*` speaks of: the observation's own, or the ancestor at hand inside `ancestors|any`.
 */
export type FieldGetter = (o: Observation, subject: Process | null) => FieldValue;

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Event kinds on which it can be present. */
  readonly kinds: readonly EventKind[];
  readonly get: FieldGetter;
  /** The same in lower case where that is kept ready, so that rules need not make it again; absent elsewhere. */
  readonly getLower?: FieldGetter;
  readonly describe: string;
  /** Sensor settings without which it is never present. */
  readonly requires: readonly string[];
}

/** A set of fields with a variable part in the name: `process.env.*`. */
export interface FieldFamily {
  /** As documented, `<…>` for the variable part: `process.env.<NAME>`. */
  readonly pattern: string;
  readonly prefix: string;
  readonly describe: string;
  readonly requires: readonly string[];
  readonly kinds: readonly EventKind[];
  readonly type: FieldType;
  /** The field for what follows the prefix, or null when that is not one. */
  readonly make: (rest: string) => FieldGetter | null;
}

export const HOOK_KINDS: readonly EventKind[] = [
  'process_kprobe',
  'process_lsm',
  'process_tracepoint',
  'process_uprobe',
  'process_usdt',
];
export const PROCESS_KINDS: readonly EventKind[] = ['process_exec', 'process_exit', ...HOOK_KINDS, 'process_loader'];
export const FLOW_KINDS: readonly EventKind[] = ['flow'];
export const STREAM_KINDS: readonly EventKind[] = ['lost_events', 'rate_limit', 'throttle', 'node_status'];
export const SUBJECT_KINDS: readonly EventKind[] = [...PROCESS_KINDS, 'flow'];
export const ALL_KINDS: readonly EventKind[] = [...SUBJECT_KINDS, ...STREAM_KINDS];
