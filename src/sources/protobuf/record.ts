/** The protobuf message that an event was decoded from, printed in the export's JSON only when somebody asks. */
import type { RawRecord } from '../../model/event.ts';
import { exportJson } from './export-json.ts';
import type { MessageSpec } from './schema.ts';

export class MessageRecord implements RawRecord {
  readonly #spec: MessageSpec;
  readonly #bytes: Buffer;

  constructor(spec: MessageSpec, bytes: Buffer) {
    this.#spec = spec;
    this.#bytes = bytes;
  }

  line(): string {
    return JSON.stringify(exportJson(this.#spec, this.#bytes));
  }

  detach(): RawRecord {
    // A message is a view of a chunk of the stream, which would stay in memory with it.
    const copied = this.#bytes.byteLength === this.#bytes.buffer.byteLength;
    return copied ? this : new MessageRecord(this.#spec, Buffer.from(new Uint8Array(this.#bytes)));
  }
}

/** A record that Spoor made itself: a gap, or an entry of an agent's process cache. */
export class TextRecord implements RawRecord {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  line(): string {
    return this.#text;
  }

  detach(): RawRecord {
    return this;
  }
}
