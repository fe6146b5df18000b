/** One of Falco's fields as the sensors can answer it. */
import type { EventKind } from '../../model/event.ts';
import type { FieldGetter, FieldType } from './field.ts';

export interface FalcoRow {
  readonly name: string;
  readonly type: FieldType;
  readonly kinds: readonly EventKind[];
  readonly get: FieldGetter;
  readonly requires: readonly string[];
  /** How the answer differs from Falco's, or ''. */
  readonly approximates: string;
}
