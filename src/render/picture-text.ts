/** The API's picture, folded by the server, with box characters: rows in tree order, what each talks to below it, steps numbered. */
import { baseName } from '../model/process.ts';
import type { Level } from '../rules/rule.ts';
import { dateAndTime, shown } from './alert.ts';
import { counted } from './counted.ts';
import type { Style } from './style.ts';

interface DrawnMark {
  readonly step: number;
  readonly level: Level;
  readonly rules: readonly string[];
}

interface DrawnProcess {
  readonly pid: number;
  readonly binary: string;
  readonly arguments: string;
  readonly uid: number | null;
}

interface DrawnRow {
  readonly key: string;
  readonly kind: 'process' | 'fold' | 'host' | 'more';
  readonly depth: number;
  readonly count: number;
  readonly hidden: number;
  readonly process: (DrawnProcess & { readonly known: string; readonly exit_signal: string }) | null;
  readonly members: readonly DrawnProcess[];
  /** Seconds since the container's start. */
  readonly age: number | null;
  readonly late: boolean;
  readonly mark: DrawnMark | null;
}

interface DrawnGroup {
  readonly key: string;
  readonly kind: 'pod' | 'host';
  readonly title: string;
  readonly workload: string;
  readonly rows: readonly DrawnRow[];
}

interface DrawnLink {
  readonly from: string;
  readonly to: string;
  readonly attribution: string;
  readonly dropped: boolean;
  readonly inbound: boolean;
  readonly ports: string;
  readonly count: number;
  readonly flows: number;
  readonly mark: DrawnMark | null;
}

export interface DrawnPicture {
  readonly groups: readonly DrawnGroup[];
  readonly ends: readonly { readonly key: string; readonly title: string; readonly addresses: readonly string[] }[];
  readonly links: readonly DrawnLink[];
  readonly totals: {
    readonly processes: number;
    readonly shown: number;
    readonly connections: number;
    readonly flows: number;
  };
  readonly gaps: readonly { readonly from: string; readonly count: number; readonly reason: string }[];
}

const COMMAND_CHARS_MAX = 140;
const LINKS_PER_ROW_MAX = 12;

const commandOf = ({ binary, arguments: args }: DrawnProcess): string =>
  shown(`${baseName(binary) || '?'}${args === '' ? '' : ` ${args}`}`, COMMAND_CHARS_MAX);

/** `+2.6s`, `+4m`, `+3h`, `+2d`. */
function ageOf(seconds: number): string {
  if (seconds < 100) return `+${seconds.toFixed(1)}s`;
  if (seconds < 6_000) return `+${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `+${Math.round(seconds / 3_600)}h`;
  return `+${Math.round(seconds / 86_400)}d`;
}

/** Whether the line of each level goes on below a row, for every row: index 0 is the level below the root. */
function railsOf(rows: readonly DrawnRow[]): boolean[][] {
  const rails: boolean[][] = [];
  let open: boolean[] = [];
  for (const { depth } of [...rows].reverse()) {
    rails.push(Array.from({ length: depth }, (_, level) => open[level + 1] === true));
    open = open.slice(0, depth);
    open[depth] = true;
  }
  return rails.reverse();
}

const upTo = (rails: readonly boolean[]): string => rails.map(on => (on ? '│  ' : '   ')).join('');

class Text {
  readonly #picture: DrawnPicture;
  readonly #style: Style;
  readonly #names = new Map<string, string>();
  readonly lines: string[] = [];

  constructor(picture: DrawnPicture, style: Style) {
    this.#picture = picture;
    this.#style = style;
    for (const { key, title, addresses } of picture.ends) {
      const [address] = addresses;
      const behind = addresses.length === 1 && address !== undefined && address !== title ? ` (${shown(address)})` : '';
      this.#names.set(key, `${shown(title, 120)}${behind}`);
    }
    for (const { key, title, rows } of picture.groups) {
      this.#names.set(`group ${key}`, shown(title));
      for (const row of rows)
        if (row.process !== null)
          this.#names.set(row.key, `${shown(baseName(row.process.binary), 40)} in ${shown(title)}`);
    }
  }

  draw(): void {
    for (const group of this.#picture.groups) this.#group(group);
    this.#totals();
  }

  #group({ key, kind, title, workload, rows }: DrawnGroup): void {
    const { bold, dim } = this.#style;
    const behind = workload === '' ? '' : `  ${shown(workload)}`;
    this.lines.push(`${dim(kind)} ${bold(shown(title))}${dim(behind)}`);
    const rails = railsOf(rows);
    rows.forEach((row, at) => {
      const own = rails[at] ?? [];
      const branch = own.length === 0 ? '' : `${upTo(own.slice(0, -1))}${own.at(-1) === true ? '├─ ' : '└─ '}`;
      this.lines.push(`${dim(branch)}${this.#row(row)}`);
      const hasChildren = (rows[at + 1]?.depth ?? 0) > row.depth;
      this.#links(row.key, `${upTo(own)}${hasChildren ? '│  ' : '   '}`);
    });
    this.#links(`group ${key}`, '');
  }

  #row({ kind, process, members, count, hidden, age, late, mark }: DrawnRow): string {
    const { dim, level } = this.#style;
    if (kind === 'host') {
      const names = members.map(({ binary }) => shown(baseName(binary) || '?', 30)).join(' → ');
      return dim(`on the host: ${names}`);
    }
    if (kind === 'more' || process === null) return dim(`${counted(hidden, 'more process', 'more processes')}`);
    const command = process.known === 'named' && process.binary === '' ? '(unknown process)' : commandOf(process);
    const facts = [
      kind === 'fold' ? '' : `${process.pid}`,
      process.uid === null ? '' : process.uid === 0 ? 'root' : `uid ${process.uid}`,
      age === null ? '' : `${ageOf(age)}${late ? ' late' : ''}`,
      shown(process.exit_signal, 40),
    ].filter(text => text !== '');
    const times = kind === 'fold' ? `${dim(`${count} ×`)} ` : '';
    const name = mark === null ? command : level(mark.level, command);
    const below = kind !== 'fold' && hidden > 0 ? dim(`  ${hidden} below it folded`) : '';
    return `${this.#step(mark)}${times}${name} ${dim(`(${facts.join(', ')})`)}${below}${this.#rules(mark)}`;
  }

  #links(from: string, indent: string): void {
    const { dim, red, cyan, level } = this.#style;
    const links = this.#picture.links.filter(link => link.from === from);
    // What is evidence and what was refused comes first where not all is written.
    const weight = ({ mark, dropped }: DrawnLink): number => (mark !== null ? 2 : dropped ? 1 : 0);
    const first = [...links].sort((a, b) => weight(b) - weight(a)).slice(0, LINKS_PER_ROW_MAX);
    for (const link of links) {
      if (!first.includes(link)) continue;
      const { to, ports, count, dropped, inbound, attribution, mark } = link;
      const arrow = inbound ? '←' : dropped ? '→✗' : '→';
      const times = count > 1 ? ` ×${count}` : '';
      const text = `${arrow} ${this.#names.get(to) ?? '?'} ${shown(ports, 60)}${times}${dropped ? ' dropped' : ''} [${attribution}]`;
      const painted = dropped ? red(text) : mark === null ? cyan(text) : level(mark.level, text);
      this.lines.push(`${dim(indent)}${this.#step(mark)}${painted}${this.#rules(mark)}`);
    }
    if (links.length > first.length)
      this.lines.push(dim(`${indent}→ ${counted(links.length - first.length, 'more line')} to others`));
  }

  /** Its number comes first, where no width cuts it off. */
  #step(mark: DrawnMark | null): string {
    return mark === null ? '' : `${this.#style.yellow(`${mark.step} ▸`)} `;
  }

  /** `◀ Reverse shell by a network tool`. */
  #rules(mark: DrawnMark | null): string {
    if (mark === null) return '';
    return `  ${this.#style.yellow(`◀ ${mark.rules.map(rule => shown(rule, 80)).join(', ')}`)}`;
  }

  #totals(): void {
    const { processes, shown: drawn, connections, flows } = this.#picture.totals;
    const { dim, yellow } = this.#style;
    const of = drawn < processes ? `${drawn.toLocaleString('en')} of ` : '';
    this.lines.push(
      dim(
        `${of}${counted(processes, 'process', 'processes')}, ${counted(connections, 'connection')}, ${counted(flows, 'flow')}`,
      ),
    );
    for (const { from, count, reason } of this.#picture.gaps) {
      const lost = count === 0 ? 'events were lost' : `${counted(count, 'event')} lost`;
      this.lines.push(yellow(`${dateAndTime(from)}  ${lost}: ${shown(reason)}`));
    }
  }
}

export function pictureLines(picture: DrawnPicture, style: Style): string[] {
  const text = new Text(picture, style);
  text.draw();
  return text.lines;
}
