/** Every bound of scratch replays, with its unit last. */
import type { PlayLimits } from './order.ts';

export interface ReplayLimits extends PlayLimits {
  /** Of one replay, as sent. */
  readonly uploadBytesMax: number;
  /** Of all replays together, as sent. */
  readonly storedBytesMax: number;
  readonly filesMax: number;
  readonly keptMax: number;
  readonly uploadsPerOwnerMax: number;
  readonly triesPerOwnerMax: number;
  readonly playingMax: number;
  /** Of a helper's heap; its buffers come on top. */
  readonly heapMbMax: number;
  /** From when it is over until it is deleted. */
  readonly keptMsMax: number;
  /** Without another byte of an upload. */
  readonly receivingMsMax: number;
  /** For one answer about it. */
  readonly answerMsMax: number;
  /** Who follow the progress of one. */
  readonly followersMax: number;
}

const GIB = 2 ** 30;

export const REPLAY_LIMITS: ReplayLimits = {
  uploadBytesMax: GIB / 2,
  storedBytesMax: 2 * GIB,
  filesMax: 16,
  keptMax: 8,
  uploadsPerOwnerMax: 3,
  triesPerOwnerMax: 2,
  playingMax: 1,
  heapMbMax: 768,
  keptMsMax: 60 * 60_000,
  receivingMsMax: 2 * 60_000,
  answerMsMax: 30_000,
  followersMax: 8,
  bytesInflatedMax: 4 * GIB,
  eventsMax: 5_000_000,
  playMsMax: 120_000,
  memoryBytesMax: 1.25 * GIB,
  storeBytesMax: GIB / 2,
};
