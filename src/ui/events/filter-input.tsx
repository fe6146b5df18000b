/** A filter as it is typed: fields, modifiers and values that were seen complete it. */
import { type FormEvent, useId, useState } from 'react';
import type { EventView, FieldsView } from '../../api/contract.ts';
import { visible } from '../text.ts';

const SUGGESTIONS_MAX = 60;
const VALUE_CHARS_MAX = 120;

/** What may come next, as whole texts. */
export function suggestions(text: string, fields: FieldsView | undefined, seen: readonly EventView[]): string[] {
  if (fields === undefined) return [];
  const equals = text.search(/!?=/);
  if (equals >= 0) {
    const head = text.slice(0, text.indexOf('=', equals) + 1);
    const name = text.slice(0, equals).split('|')[0] ?? '';
    const values = new Set<string>();
    for (const { fields: carried } of seen) {
      const value = carried[name];
      for (const each of Array.isArray(value) ? value : [value])
        if (each !== undefined && String(each).length <= VALUE_CHARS_MAX) values.add(String(each));
      if (values.size >= SUGGESTIONS_MAX) break;
    }
    return [...values].slice(0, SUGGESTIONS_MAX).map(value => `${head}${value}`);
  }
  const bar = text.lastIndexOf('|');
  if (bar >= 0) return fields.modifiers.map(modifier => `${text.slice(0, bar)}|${modifier}=`);
  const typed = text.toLowerCase();
  return fields.items
    .filter(({ name, describe }) => name.includes(typed) || describe.toLowerCase().includes(typed))
    .slice(0, SUGGESTIONS_MAX)
    .map(({ name }) => `${name}=`);
}

interface FilterInputProps {
  readonly fields: FieldsView | undefined;
  readonly seen: readonly EventView[];
  readonly onAdd: (filter: string) => void;
}

export function FilterInput({ fields, seen, onAdd }: FilterInputProps) {
  const [text, setText] = useState('');
  const list = useId();
  const add = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() === '') return;
    onAdd(text.trim());
    setText('');
  };
  const name = text.split(/[|=!]/)[0] ?? '';
  const field = fields?.items.find(each => each.name === name);
  return (
    <form className="filter-form" onSubmit={add}>
      <label>
        Filter
        <input
          type="text"
          list={list}
          value={text}
          size={44}
          maxLength={1_000}
          autoComplete="off"
          spellCheck={false}
          placeholder="process.binary|endswith=/nc"
          onChange={event => setText(event.target.value)}
        />
      </label>
      <datalist id={list}>
        {suggestions(text, fields, seen).map(value => (
          <option key={value} value={value}>
            {visible(value)}
          </option>
        ))}
      </datalist>
      <button type="submit">Add</button>
      {field === undefined ? null : <span className="quiet">{field.describe}</span>}
    </form>
  );
}
