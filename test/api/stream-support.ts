/** A client of server-sent events that reads them as the HTML standard says. */
import { get, type IncomingMessage } from 'node:http';

interface ServerEvent {
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape.
  readonly data: any;
}

export interface Follower {
  readonly response: IncomingMessage;
  readonly events: readonly ServerEvent[];
  /** All that was received. */
  readonly text: string;
  readonly lastId: string;
  /** The server ended it. */
  readonly ended: Promise<void>;
  /** Resolves once `condition` holds; asked after every piece that arrives, and now and then. */
  until(condition: () => boolean): Promise<void>;
  close(): void;
}

const ASK_MS = 5;

export function follow(url: string, headers: Record<string, string> = {}): Promise<Follower> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, agent: false }, response => {
      if (response.statusCode !== 200) {
        reject(new Error(`status ${response.statusCode}`));
        return;
      }
      resolve(follower(response, () => request.destroy()));
    });
    request.on('error', reject);
  });
}

function follower(response: IncomingMessage, close: () => void): Follower {
  const events: ServerEvent[] = [];
  let text = '';
  let rest = '';
  let lastId = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map<string, string>();
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''));
      }
      lastId = fields.get('id') ?? lastId;
      const data = fields.get('data');
      if (data !== undefined)
        events.push({ type: fields.get('event') ?? 'message', id: lastId, data: JSON.parse(data) });
    }
  });
  const ended = new Promise<void>(done => {
    response.on('close', () => done());
    response.on('error', () => done());
  });
  return {
    response,
    events,
    get text() {
      return text;
    },
    get lastId() {
      return lastId;
    },
    ended,
    async until(condition) {
      while (!condition()) await new Promise(again => setTimeout(again, ASK_MS));
    },
    close,
  };
}
