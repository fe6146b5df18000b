/** The picture as a tree for keys and screen readers, as the ARIA pattern for trees says. */
import type { Layout, PlacedLink } from './types.ts';

export interface Item {
  /** Of a row, or `group <key>` of a tree's head. */
  readonly key: string;
  readonly y: number;
  readonly level: number;
  readonly name: string;
  readonly expanded: boolean | null;
  /** What the server is asked with to open or close it. */
  readonly toggle: string | null;
  readonly parent: string | null;
}

export interface Index {
  readonly items: readonly Item[];
  readonly places: ReadonlyMap<string, number>;
  /** What a row connects to, in words. */
  readonly reaches: ReadonlyMap<string, string>;
}

const REACHES_MAX = 6;

export function indexOf({ groups, links, ends }: Layout): Index {
  const items: Item[] = [];
  const titles = new Map<string, string>(ends.map(end => [end.key, end.name]));
  for (const { key, y, name, rows } of groups) {
    const head = `group ${key}`;
    items.push({ key: head, y, level: 1, name, expanded: null, toggle: null, parent: null });
    titles.set(head, name);
    for (const row of rows) {
      const { expanded, toggle, depth } = row;
      items.push({
        key: row.key,
        y: row.y,
        level: depth + 2,
        name: row.name,
        expanded,
        toggle,
        parent: row.parent ?? head,
      });
      titles.set(row.key, `${row.name} in ${name}`);
    }
  }
  const lists = new Map<string, PlacedLink[]>();
  for (const link of links) {
    const list = lists.get(link.from);
    if (list === undefined) lists.set(link.from, [link]);
    else list.push(link);
  }
  const reaches = new Map<string, string>();
  for (const [from, list] of lists) {
    const texts = list.slice(0, REACHES_MAX).map(({ mark, inbound, dropped, to, ports }) => {
      const step = mark === null ? '' : ` (step ${mark.step}: ${mark.rules.join(', ')})`;
      const verb = inbound ? 'is reached from' : dropped ? 'is kept from' : 'connects to';
      return `${verb} ${titles.get(to) ?? ''} ${ports}${step}`;
    });
    if (list.length > REACHES_MAX) texts.push(`and ${list.length - REACHES_MAX} more`);
    reaches.set(from, texts.join(', '));
  }
  return { items, places: new Map(items.map(({ key }, at) => [key, at])), reaches };
}

const PAGE_ROWS = 15;

/** Where a key leads from `place`: another place, `toggle`, or null when it is none of the tree's keys. */
export function step(key: string, place: number, { items, places }: Index): number | 'toggle' | null {
  const item = items[place];
  const bounded = (n: number): number => Math.min(Math.max(n, 0), items.length - 1);
  switch (key) {
    case 'ArrowDown':
      return bounded(place + 1);
    case 'ArrowUp':
      return bounded(place - 1);
    case 'ArrowRight':
      if (item?.expanded === false && item.toggle !== null) return 'toggle';
      // Into what is open; on a leaf it does nothing.
      return (items[place + 1]?.level ?? 0) > (item?.level ?? 0) ? place + 1 : place;
    case 'ArrowLeft':
      if (item?.expanded === true && item.toggle !== null) return 'toggle';
      return places.get(item?.parent ?? '') ?? place;
    case 'PageDown':
      return bounded(place + PAGE_ROWS);
    case 'PageUp':
      return bounded(place - PAGE_ROWS);
    case 'Home':
      return 0;
    case 'End':
      return items.length - 1;
    default:
      return null;
  }
}

/** The next item whose name begins with what was typed, from `place` on and around; null when there is none. */
export function typedAhead(typed: string, place: number, { items }: Index): number | null {
  const wanted = typed.toLowerCase();
  // One letter goes on to the next; more letters may stay where the first one led.
  const from = typed.length === 1 ? place + 1 : place;
  for (let n = 0; n < items.length; n++) {
    const at = (from + n) % items.length;
    if (items[at]?.name.toLowerCase().startsWith(wanted)) return at;
  }
  return null;
}
