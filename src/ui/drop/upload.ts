/** Files on their way into a replay, in pieces: what is slow, or breaks off, goes on where it was. */
import type { ReplayView } from '../../api/contract.ts';
import { ApiError, post, problemOf, query, remove } from '../api.ts';

const PIECE_BYTES = 4 * 1024 * 1024;
const TRIES_MAX = 3;
const RETRY_MS = 1_000;

export interface Sent {
  readonly bytes: number;
  readonly of: number;
}

async function send(path: string, body: Blob | null, signal: AbortSignal): Promise<ReplayView> {
  const response = await fetch(`/api/v1${path}`, {
    method: 'POST',
    signal,
    ...(body === null ? {} : { body, headers: { 'content-type': 'application/octet-stream' } }),
  });
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as ReplayView;
}

/** A connection that broke is tried again; what was refused is not. */
async function sendPiece(path: string, body: Blob, signal: AbortSignal): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await send(path, body, signal);
      return;
    } catch (error) {
      if (error instanceof ApiError || signal.aborted || tried >= TRIES_MAX) throw error;
      await new Promise(resolve => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Two files of one name are two files. */
function namesOf(files: readonly File[]): string[] {
  return files.map(({ name }, at) => {
    const before = files.slice(0, at).filter(other => other.name === name).length;
    return before === 0 ? name : `${name} (${before + 1})`;
  });
}

/** Resolves with the replay's id as soon as it plays. An upload that fails or is aborted leaves nothing behind. */
export async function upload(
  files: readonly File[],
  onSent: (sent: Sent) => void,
  signal: AbortSignal,
): Promise<string> {
  const of = files.reduce((sum, { size }) => sum + size, 0);
  if (of === 0) throw new Error(files.length === 1 ? 'the file is empty' : 'the files are empty');
  const { id } = await send(`/replays${query({ start: 'false' })}`, null, signal);
  try {
    let bytes = 0;
    for (const [at, name] of namesOf(files).entries()) {
      const file = files[at] as File;
      for (let offset = 0; offset < file.size; offset += PIECE_BYTES) {
        const piece = file.slice(offset, offset + PIECE_BYTES);
        await sendPiece(`/replays/${id}/files${query({ name, offset })}`, piece, signal);
        bytes += piece.size;
        onSent({ bytes, of });
      }
    }
    await post(`/replays/${id}/start`);
    return id;
  } catch (error) {
    await remove(`/replays/${id}`).catch(() => {});
    throw error;
  }
}
