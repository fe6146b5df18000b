/** What is carried over from segments that go: the exec records of processes that still matter, so that ancestry stays whole. */
import { lineRanges } from './files.ts';

const EXEC = '"process_exec"';
/** How far into a line its kind stands at the most: after a prefix of the container runtime's. */
const KIND_WITHIN_BYTES = 256;
/** A record's first exec_id is that of its own process. */
const ID = '"exec_id":"';
const QUOTE = 0x22;
const CARRIED_BYTES_MAX = 64 * 1024 * 1024;
const LINES_A_TURN = 5_000;

/** Later records of the same process win; beyond the limit the oldest are left out. */
export async function carryOver(texts: AsyncIterable<Buffer>, isKnown: (execId: string) => boolean): Promise<Buffer> {
  const carried = new Map<string, Buffer>();
  let bytes = 0;
  let lines = 0;
  const forget = (id: string): void => {
    bytes -= carried.get(id)?.length ?? 0;
    carried.delete(id);
  };
  for await (const text of texts) {
    for (const [start, end] of lineRanges(text)) {
      if (++lines % LINES_A_TURN === 0) await new Promise(resolve => setImmediate(resolve));
      const id = execIdOf(text, start, end);
      if (id === null || !isKnown(id)) continue;
      forget(id);
      // Of its own: a few lines must not hold a whole segment in memory.
      const line = Buffer.from(text.subarray(start, end + 1));
      carried.set(id, line);
      bytes += line.length;
    }
  }
  for (const id of carried.keys()) {
    if (bytes <= CARRIED_BYTES_MAX) break;
    forget(id);
  }
  return Buffer.concat([...carried.values()]);
}

function execIdOf(text: Buffer, start: number, end: number): string | null {
  const line = text.subarray(start, end);
  if (line.subarray(0, KIND_WITHIN_BYTES).indexOf(EXEC) < 0) return null;
  const id = line.indexOf(ID);
  if (id < 0) return null;
  const from = id + ID.length;
  const to = line.indexOf(QUOTE, from);
  return to < 0 ? null : line.toString('latin1', from, to);
}
