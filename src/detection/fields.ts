/** How detection reads catalogue fields: the little that an index and a correlation key need of them. */
import type { Observation } from '../model/observation.ts';
import { findField } from '../rules/catalogue/catalogue.ts';

/** A field's value: text, number, boolean, a list of those (any form of it counts), or null when the event does not carry it. */
export type FieldReader = (observation: Observation) => unknown;

/** Null for a name that is no field. */
export type FieldLookup = (name: string) => FieldReader | null;

/** The catalogue's fields. */
export const catalogueFields: FieldLookup = name => {
  const field = findField(name);
  return field === null ? null : observation => field.get(observation, observation.process);
};

/** The value as text, or null where it is absent or has no text form. */
export function textOf(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value === '' ? null : value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return null;
  }
}

/** First present text of a value that may be a list. */
function firstText(value: unknown): string | null {
  if (!Array.isArray(value)) return textOf(value);
  for (const item of value) {
    const text = textOf(item);
    if (text !== null) return text;
  }
  return null;
}

/** Readers of `names`; a name that the catalogue does not know is always absent, so a key of it never joins. */
export function readersOf(names: readonly string[], lookup: FieldLookup): FieldReader[] {
  return names.map(name => lookup(name) ?? (() => null));
}

/** Text of one field, or null. */
export function readText(reader: FieldReader, observation: Observation): string | null {
  return firstText(reader(observation));
}

/** One key of several fields, unambiguous and stable over runs; null when any is absent, '' for no fields at all. */
export function readKey(readers: readonly FieldReader[], observation: Observation): string | null {
  if (readers.length === 0) return '';
  if (readers.length === 1) return readText(readers[0]!, observation);
  const parts: string[] = [];
  for (const reader of readers) {
    const text = readText(reader, observation);
    if (text === null) return null;
    parts.push(text);
  }
  return JSON.stringify(parts);
}

/** Whose share of a rule's memory an observation's state counts against: its pod, or on hosts its node. */
export function ownerOf(observation: Observation): string {
  const pod = observation.pod;
  return pod === null ? `node:${observation.event.node}` : `${pod.namespace}/${pod.name}`;
}

/** `namespace/name`, or null outside pods. */
export function podOf(observation: Observation): string | null {
  const pod = observation.pod;
  return pod === null || pod.name === '' ? null : `${pod.namespace}/${pod.name}`;
}
