/** The field catalogue: one table that loading, compilation, documentation and completion read. */
import { nearest } from '../../model/nearest.ts';
import { falcoField } from './falco.ts';
import type { Field, FieldFamily } from './field.ts';
import { flowFamilies, flowFields } from './flow.ts';
import { hookFamilies, hookFields } from './hook.ts';
import { placeFamilies, placeFields } from './pod.ts';
import { processFamilies, processFields } from './process.ts';

export const FIELDS: readonly Field[] = [...processFields, ...placeFields, ...hookFields, ...flowFields];
export const FAMILIES: readonly FieldFamily[] = [
  ...processFamilies,
  ...placeFamilies,
  ...hookFamilies,
  ...flowFamilies,
];

/** Lists of objects, for `<name>|any`: ancestors are read with the same `process.*` names, nearest (the parent) first. */
export const OBJECT_LISTS: readonly string[] = ['ancestors'];

const byName = new Map(FIELDS.map(field => [field.name, field]));

/** The field of that name, those of families included; null when there is none. */
export function findField(name: string): Field | null {
  const found = byName.get(name);
  if (found !== undefined) return found;
  for (const family of FAMILIES) {
    if (!name.startsWith(family.prefix)) continue;
    const rest = name.slice(family.prefix.length);
    const get = rest === '' ? null : family.make(rest);
    if (get === null) return null;
    return { name, type: family.type, kinds: family.kinds, get, describe: family.describe, requires: family.requires };
  }
  return falcoField(name);
}

/** What an author most likely meant by an unknown name: the nearest one, else one with the same last part; or null. */
export function nearestField(name: string): string | null {
  const names = [...byName.keys(), ...OBJECT_LISTS, ...FAMILIES.map(family => family.pattern)];
  const last = `.${name.slice(name.lastIndexOf('.') + 1)}`;
  return nearest(name, names) ?? names.find(known => known.endsWith(last)) ?? null;
}
