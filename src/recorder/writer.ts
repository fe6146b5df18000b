/** Writes a capture: the marker that says "in order", then each event's raw line, in the order in which they are given. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';
import { orderedMarkerLine } from '../model/capture.ts';
import type { Event } from '../model/event.ts';

export interface CaptureWriterOptions {
  /** Compress; decided by the path's `.gz` when not given. */
  readonly gzip?: boolean;
}

export interface CaptureWriter {
  /** Lines written so far, the marker aside. */
  readonly lines: number;
  /** Bytes of text written so far, before compression. */
  readonly bytes: number;
  /** Resolves when more may be written. Rejects when the disk or the stream fails. */
  write(events: readonly Event[]): Promise<void>;
  /** Ends the capture: everything is on the disk when it resolves. A stream that was given is ended. */
  close(): Promise<void>;
}

/** A capture at a path, which is made anew, or into a stream. */
export function captureWriter(target: string | Writable, options: CaptureWriterOptions = {}): CaptureWriter {
  const path = typeof target === 'string' ? target : null;
  const sink = typeof target === 'string' ? createWriteStream(target, { mode: 0o600 }) : target;
  const compress = options.gzip ?? path?.endsWith('.gz') ?? false;
  const gzip: Gzip | null = compress ? createGzip() : null;
  gzip?.pipe(sink);
  const head: Writable = gzip ?? sink;
  let failure: Error | null = null;
  const onError = (error: Error) => {
    failure ??= error;
    gzip?.destroy();
  };
  sink.on('error', onError);
  gzip?.on('error', onError);
  let lines = 0;
  let bytes = 0;
  let begun = false;

  async function put(text: string): Promise<void> {
    if (failure !== null) throw failure;
    bytes += Buffer.byteLength(text);
    if (head.write(text)) return;
    // A target that fails or closes while we wait never drains.
    const abort = new AbortController();
    const gone = [head, sink].map(stream => once(stream, 'close', { signal: abort.signal }));
    try {
      await Promise.race([once(head, 'drain', { signal: abort.signal }), ...gone]);
    } finally {
      abort.abort();
      await Promise.allSettled(gone);
    }
    if (failure !== null) throw failure;
  }

  async function begin(first: Event | undefined): Promise<void> {
    begun = true;
    await put(`${orderedMarkerLine(first?.time ?? 0, first?.ns ?? 0)}\n`);
  }

  return {
    get lines() {
      return lines;
    },
    get bytes() {
      return bytes;
    },
    async write(events) {
      if (events.length === 0) return;
      if (!begun) await begin(events[0]);
      lines += events.length;
      await put(events.map(event => `${event.raw.line()}\n`).join(''));
    },
    async close() {
      if (!begun) await begin(undefined);
      head.end();
      await finished(sink, { readable: false });
      if (failure !== null) throw failure;
      if (path !== null) await sync(path);
    },
  };
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
