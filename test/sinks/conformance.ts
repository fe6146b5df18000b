/** What every sink that speaks HTTP must do with receivers that misbehave: the right outcome, in bounded time and memory, no secret told. */
import { readFileSync } from 'node:fs';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outcome, SendResult, Sink } from '../../src/sinks/sink.ts';
import { aDelivery, type Received, type Receiver, rawReceiver, receiver } from './support.ts';

export interface Subject {
  /** A sink that sends to `url` and may reach loopback. Its secrets contain the word SECRET. */
  create(url: string): Sink;
  /** What a content receiver answers. */
  readonly success: { readonly status: number; readonly body: string };
  /** True when a 2xx status alone says that the receiver has it. */
  readonly statusSuffices: boolean;
  /** Outcomes that differ from those of the table, by status. */
  readonly outcomes?: Readonly<Record<number, Outcome>>;
}

const OUTCOMES: Readonly<Record<number, Outcome>> = {
  301: 'retry',
  302: 'retry',
  303: 'retry',
  304: 'retry',
  307: 'retry',
  308: 'retry',
  400: 'retry',
  401: 'retry',
  403: 'retry',
  404: 'retry',
  408: 'retry',
  409: 'retry',
  413: 'retry',
  418: 'retry',
  429: 'retry',
  500: 'retry',
  501: 'retry',
  502: 'retry',
  503: 'retry',
  504: 'retry',
  599: 'retry',
};
const LATER = [408, 425, 429, 500, 502, 503, 504];

export function httpSinkConformance(name: string, subject: Subject): void {
  describe(`${name} meets a receiver that`, () => {
    const open: (() => Promise<void>)[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map(close => close()));
    });

    const opened = async (making: Promise<Receiver>): Promise<Receiver> => {
      const made = await making;
      open.push(made.close);
      return made;
    };
    const answering = (status: number, body = '', headers: Record<string, string> = {}): Promise<Receiver> =>
      opened(receiver((_, response) => response.writeHead(status, headers).end(body)));

    const send = async (url: string, { ms = 10_000, attempt = 1 } = {}): Promise<SendResult> => {
      const sink = subject.create(url);
      open.push(() => sink.close());
      const result = await sink.send(aDelivery({ attempt }), AbortSignal.timeout(ms));
      expect(result.detail).not.toContain('SECRET');
      expect(result.detail.length).toBeLessThan(400);
      return result;
    };

    it('takes it', async () => {
      const { url, received } = await answering(subject.success.status, subject.success.body);
      expect(await send(url)).toMatchObject({ outcome: 'delivered' });
      expect(received).toHaveLength(1);
    });

    it.each(Object.keys(OUTCOMES).map(Number))('answers %i', async status => {
      const { url } = await answering(status, 'no', status < 400 ? { location: 'http://127.0.0.1:1/' } : {});
      expect((await send(url)).outcome).toBe(subject.outcomes?.[status] ?? OUTCOMES[status]);
    });

    it.each([307, 401, 403, 404, 418])('goes on answering %i', async status => {
      const { url } = await answering(status);
      expect((await send(url, { attempt: 10 })).outcome).toBe('drop');
    });

    it.each(LATER)('goes on answering %i, and may recover', async status => {
      const { url } = await answering(status);
      expect((await send(url, { attempt: 99 })).outcome).toBe('retry');
    });

    it('says when to come back', async () => {
      const { url } = await answering(429, '', { 'retry-after': '7' });
      expect(await send(url)).toMatchObject({ outcome: 'retry', retryAfterMs: 7_000 });
      const soon = new Date(Date.now() + 90_000).toUTCString();
      const dated = await answering(503, '', { 'retry-after': soon });
      const { retryAfterMs = 0 } = await send(dated.url);
      expect(retryAfterMs).toBeGreaterThan(0);
      expect(retryAfterMs).toBeLessThanOrEqual(90_000);
      const absurd = await answering(429, '', { 'retry-after': '999999999999' });
      expect((await send(absurd.url)).retryAfterMs).toBe(3_600_000);
    });

    it('does not say when to come back', async () => {
      const { url } = await answering(429);
      expect((await send(url)).retryAfterMs).toBeUndefined();
    });

    it('repeats our secrets', async () => {
      const echo = ({ path, headers, body }: Received): string => JSON.stringify({ path, headers, body });
      const { url } = await opened(
        receiver((request, response) => response.writeHead(500).end(echo(request).slice(0, 150))),
      );
      await send(url);
      const paths = await opened(
        receiver((request, response) => response.writeHead(404).end(`Cannot POST ${request.path}`)),
      );
      await send(paths.url);
    });

    it('answers with terminal escapes', async () => {
      const { url } = await answering(500, '\u001b[2J\u202ehello\r\n\u009b');
      expect((await send(url)).detail).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
    });

    it('hangs before it answers', async () => {
      const { url } = await opened(rawReceiver(() => {}));
      expect(await send(url, { ms: 150 })).toMatchObject({ outcome: 'retry', detail: 'timed out' });
    });

    it('trickles its headers', async () => {
      const { url } = await opened(
        rawReceiver(socket => {
          const timer = setInterval(() => socket.write('H'), 20);
          socket.on('close', () => clearInterval(timer));
        }),
      );
      expect((await send(url, { ms: 200 })).outcome).toBe('retry');
    });

    const status = `HTTP/1.1 ${subject.success.status} OK\r\n`;
    const unsure: Outcome = subject.statusSuffices ? 'delivered' : 'retry';

    it('trickles its body', async () => {
      const { url } = await opened(
        rawReceiver(socket => {
          socket.write(`${status}content-length: 5000\r\n\r\n`);
          const timer = setInterval(() => socket.write('x'), 20);
          socket.on('close', () => clearInterval(timer));
        }),
      );
      expect((await send(url, { ms: 200 })).outcome).toBe(unsure);
    });

    it('resets in the middle of its body', async () => {
      const { url } = await opened(
        rawReceiver(socket => {
          socket.write(`${status}content-length: 5000\r\n\r\nabc`, () => socket.resetAndDestroy());
        }),
      );
      expect(['retry', unsure]).toContain((await send(url)).outcome);
    });

    it('resets at once', async () => {
      const { url } = await opened(rawReceiver(socket => socket.resetAndDestroy()));
      expect((await send(url)).outcome).toBe('retry');
    });

    it('replies with a gigabyte', async () => {
      let written = 0;
      const { url } = await opened(
        receiver((_, response) => {
          response.writeHead(subject.success.status, { 'content-length': String(1024 ** 3) });
          const chunk = Buffer.alloc(256 * 1024, 'x');
          const more = (): void => {
            while (!response.destroyed && written < 1024 ** 3) {
              written += chunk.length;
              if (!response.write(chunk)) return void response.once('drain', more);
            }
          };
          more();
        }),
      );
      expect((await send(url)).outcome).toBe(unsure);
      expect(written).toBeLessThan(64 * 1024 * 1024);
    });

    it('is not there', async () => {
      const { url, close } = await receiver(() => {});
      await close();
      expect((await send(url)).outcome).toBe('retry');
    });

    it('has a certificate that nobody signed', async () => {
      const pem = (file: string): string => readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8');
      let requests = 0;
      const server = createTls({ key: pem('untrusted.key'), cert: pem('untrusted.crt') }, (_, response) => {
        requests += 1;
        response.end();
      });
      server.on('tlsClientError', () => {});
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      open.push(() => new Promise(resolve => server.close(() => resolve())));
      const result = await send(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
      expect(result).toMatchObject({ outcome: 'retry' });
      expect(result.detail).toMatch(/self.signed|certificate/i);
      expect(requests).toBe(0);
    });
  });
}
