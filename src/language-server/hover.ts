/** What the word under the cursor means, as Markdown; and where it is defined. */
import { keysOf, MODIFIER_TEXTS } from '../authoring/keys.ts';
import { findField, OBJECT_LISTS } from '../rules/catalogue/catalogue.ts';
import { sigmaField } from '../rules/catalogue/sigma.ts';
import type { Cursor } from './cursor.ts';
import { placeOf } from './part.ts';
import type { Found } from './workspace.ts';

/** Code spans may not be left by what stands in them. */
export const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;
const block = (text: string): string => `\`\`\`\`yaml\n${text.replaceAll('````', '')}\n\`\`\`\``;

export const definitionText = ({ kind, name, text }: Found): string => `${kind} ${code(name)}\n\n${block(text)}`;

/** Null where there is nothing to say. `offset` is the cursor's place in the word. */
export function hover(cursor: Cursor, offset: number, definitions: readonly Found[]): string | null {
  const defined = definitionAt(cursor, definitions);
  if (defined !== null) return definitionText(defined);
  const parts = cursor.word.split('|');
  const at = cursor.word.slice(0, offset).split('|').length - 1;
  const modifier = at > 0 ? parts[at] : undefined;
  if (modifier !== undefined && MODIFIER_TEXTS[modifier] !== undefined)
    return `${code(`|${modifier}`)}: ${MODIFIER_TEXTS[modifier]}`;
  return fieldText(parts[0] ?? '') ?? keyText(cursor);
}

function fieldText(name: string): string | null {
  const mapped = sigmaField(name);
  const field = findField(mapped ?? name);
  if (field === null)
    return OBJECT_LISTS.includes(name) ? `${code(name)}: all above the process, the parent first; with \`|any\`` : null;
  const lines = [
    `${code(field.name)} (${field.type})${mapped === null ? '' : `, Sigma's ${code(name)}`}`,
    field.describe,
    `On ${field.kinds.join(', ')}.`,
    ...(field.requires.length === 0 ? [] : [`Needs ${field.requires.map(code).join(', ')}.`]),
  ];
  return lines.join('\n\n');
}

/** The cursor stands on a key: it is the last of its own path. */
function keyText(cursor: Cursor): string | null {
  const owner = cursor.path.at(-1) === cursor.word ? cursor.path.slice(0, -1) : cursor.path;
  const place = placeOf(owner);
  const text = place.type === 'keys' ? keysOf(place.part)[cursor.word] : undefined;
  return text ? `${code(cursor.word)}: ${text}` : null;
}

/** The list, macro or selection that the word names, or null. */
export function definitionAt(cursor: Cursor, definitions: readonly Found[]): Found | null {
  const list = /%([\w-]+)%/.exec(cursor.word)?.[1];
  if (list !== undefined) return definitions.find(({ kind, name }) => kind === 'list' && name === list) ?? null;
  if (cursor.at !== 'value' || cursor.path.filter(name => name !== '-').at(-1) !== 'condition') return null;
  const named = definitions.filter(({ kind }) => kind !== 'list');
  return named.find(({ name }) => name === cursor.word) ?? firstOfPattern(cursor.word, named);
}

/** `sel_*` leads to the first selection of that pattern. */
function firstOfPattern(word: string, definitions: readonly Found[]): Found | null {
  if (!/^[\w-]+\*$/.test(word)) return null;
  return definitions.find(({ kind, name }) => kind === 'selection' && name.startsWith(word.slice(0, -1))) ?? null;
}
