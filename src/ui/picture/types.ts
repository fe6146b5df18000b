/** What the picture is made of, and what it becomes: positions in CSS pixels, from the top left. */
import type { ConnectionView, Level, TreeProcess, TreeView } from '../../api/contract.ts';

/** What fired on one process or connection. */
export interface Mark {
  /** Place in the story, from 1. */
  readonly step: number;
  /** The highest of the rules. */
  readonly level: Level;
  /** Titles of the rules, first fired first. */
  readonly rules: readonly string[];
  readonly alertIds: readonly string[];
  /** RFC 3339. */
  readonly time: string;
}

export interface Marks {
  /** By exec_id. */
  readonly processes: ReadonlyMap<string, Mark>;
  /** By `connectionKey`. */
  readonly connections: ReadonlyMap<string, Mark>;
}

export interface PictureInput {
  /** The trees of the subject first, then those of pods that it reached. */
  readonly trees: readonly TreeView[];
  readonly marks: Marks;
  /** Keys of folds that are open and of rows whose children are hidden. */
  readonly toggled: ReadonlySet<string>;
}

/** A process, or siblings that say the same in one row, or the host's processes above a container in one row. */
export interface Row {
  /** exec_id of the (first) process, prefixed for folds: stable while the data grows. */
  readonly key: string;
  readonly kind: 'process' | 'fold' | 'host';
  readonly members: readonly TreeProcess[];
  /** Processes below it that are not shown. */
  readonly hidden: number;
  /** Whether it can be toggled, and is. */
  readonly expanded: boolean | null;
  readonly depth: number;
  readonly parent: string | null;
  readonly x: number;
  readonly y: number;
  /** Room for name and arguments, in characters. */
  readonly chars: number;
  readonly name: string;
  readonly text: string;
  /** Since the container started, in seconds; null when either is unknown. */
  readonly age: number | null;
  readonly late: boolean;
  readonly mark: Mark | null;
}

export interface Group {
  readonly key: string;
  /** `namespace/name`, or the host's name. */
  readonly title: string;
  readonly isHost: boolean;
  readonly subtitle: string;
  readonly column: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly rows: readonly Row[];
}

export interface Destination {
  readonly key: string;
  /** Pod, name or address. */
  readonly title: string;
  /** Ports and protocols. */
  readonly subtitle: string;
  readonly kind: string;
  readonly column: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly connections: readonly ConnectionView[];
}

export interface Edge {
  readonly key: string;
  /** Key of a row, or of a group when the process is not known. */
  readonly from: string;
  /** Key of a destination, a row or a group. */
  readonly to: string;
  readonly attribution: ConnectionView['attribution'];
  readonly isDropped: boolean;
  /** True when the other end opened it. */
  readonly isInbound: boolean;
  readonly flows: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly mark: Mark | null;
  readonly connections: readonly ConnectionView[];
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly groups: readonly Group[];
  readonly destinations: readonly Destination[];
  readonly edges: readonly Edge[];
  /** Processes that the server left out. */
  readonly omitted: number;
}
