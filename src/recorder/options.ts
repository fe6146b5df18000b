/** What the flight recorder is told. */
import type { FileHandle } from 'node:fs/promises';
import type { Micros } from '../model/time.ts';
import type { LineDecoder } from './records.ts';

export interface RecorderOptions {
  /** Folder of its own; made when missing. */
  readonly path: string;
  /** Event time kept. Micros. */
  readonly keep: Micros;
  /** Event time that a restart reads again, at the end of it; all that is kept when absent. Micros. */
  readonly window?: Micros;
  /** Bytes kept on the disk. */
  readonly bytesMax: number;
  /** A new reader of lines; anything without `kind` is no event. */
  readonly decoder: () => LineDecoder;
  /** Whether a process still matters: its exec record outlives the segment that held it. */
  readonly isKnown: (execId: string) => boolean;
  /** What went wrong, in plain words; it goes on. */
  readonly onProblem: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** A part of the recording could not be read and was set aside: nothing between these times is left of it. */
  readonly onLost?: (lost: { readonly from: Micros; readonly to: Micros; readonly count: number }) => void;
  /** Only looks: another process may be recording there. */
  readonly readOnly?: boolean;
  readonly segmentBytesMax?: number;
  readonly retryMs?: number;
  /** How to open a segment for appending; replaced in tests of full disks. */
  readonly openSegment?: (path: string) => Promise<Pick<FileHandle, 'write' | 'truncate' | 'datasync' | 'close'>>;
}
