/** What the server folds, as it stands in the picture: positions in CSS pixels, from the top left. */
import type { PictureView } from '../../api/contract.ts';

export type Group = PictureView['groups'][number];
export type Row = Group['rows'][number];
export type End = PictureView['ends'][number];
export type Link = PictureView['links'][number];
export type Mark = NonNullable<Row['mark']>;

export interface PlacedRow extends Row {
  readonly x: number;
  readonly y: number;
  /** Room for name and arguments, in characters. */
  readonly chars: number;
  readonly name: string;
  readonly text: string;
  /** Place among its siblings, from 1, and how many there are. */
  readonly place: number;
  readonly siblings: number;
}

export interface PlacedGroup extends Omit<Group, 'rows'> {
  readonly name: string;
  readonly subtitle: string;
  readonly column: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly rows: readonly PlacedRow[];
}

export interface PlacedEnd extends End {
  readonly name: string;
  readonly subtitle: string;
  readonly column: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface PlacedLink extends Link {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  /** x of the part that runs up or down. */
  readonly lane: number;
  /** x of the number of evidence; of what is none, of its label. */
  readonly tag: number;
  /** Equal for lines that share lane and arrival. */
  readonly bundle: string;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly groups: readonly PlacedGroup[];
  readonly ends: readonly PlacedEnd[];
  readonly links: readonly PlacedLink[];
}
