import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTls } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient, type HttpOptions, parseRetryAfter } from '../../src/sinks/http.ts';
import { proxyFor } from '../../src/sinks/proxy.ts';
import { tlsOf } from '../../src/sinks/secrets.ts';
import { type Receiver, rawReceiver, receiver } from './support.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(close => close()));
});

function client(over: Partial<HttpOptions> = {}): HttpClient {
  const made = new HttpClient({ allowPrivate: true, proxyEnv: {}, connections: 2, tls: null, ...over });
  open.push(() => made.close());
  return made;
}

async function opened(making: Promise<Receiver>): Promise<Receiver> {
  const made = await making;
  open.push(made.close);
  return made;
}

const post = (http: HttpClient, url: string, ms = 5_000) =>
  http.post({ url, headers: {}, body: '{}', signal: AbortSignal.timeout(ms) });

describe('the HTTP client', () => {
  it('does not follow redirects', async () => {
    const target = await opened(receiver((_, response) => response.end('secret')));
    const { url } = await opened(receiver((_, r) => r.writeHead(307, { location: target.url }).end()));
    expect(await post(client(), url)).toMatchObject({ status: 307 });
    expect(target.received).toEqual([]);
  });

  it('keeps at most 64 kB of an endless reply, and lets go of the connection', async () => {
    let closed = false;
    const { url } = await opened(
      receiver((_, response) => {
        const chunk = Buffer.alloc(64 * 1024, 'x');
        const more = (): void => {
          while (response.write(chunk));
        };
        response.on('drain', more).on('close', () => {
          closed = true;
        });
        more();
      }),
    );
    const reply = await post(client(), url);
    expect(reply).toMatchObject({ status: 200, complete: false });
    expect(reply.body).toHaveLength(64 * 1024);
    await expect.poll(() => closed).toBe(true);
  });

  it('ends a reply that trickles when the attempt ends, and keeps its status', async () => {
    const { url } = await opened(
      rawReceiver(socket => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx');
        const timer = setInterval(() => socket.write('x'), 20);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    expect(await post(client(), url, 200)).toMatchObject({ status: 200, complete: false });
  });

  it('refuses a reply with endless headers', async () => {
    const { url } = await opened(
      rawReceiver(socket => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket.write(`x: ${'y'.repeat(10_000)}\r\n`), 1);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    await expect(post(client(), url)).rejects.toThrow(/header/i);
  });

  it.each([
    ['nothing at all', ''],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['half a status line', 'HTTP/1.1 2'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx'],
  ])('fails on %s', async (_, bytes) => {
    const { url } = await opened(rawReceiver(socket => socket.end(bytes)));
    await expect(post(client(), url)).rejects.toThrow();
  });

  it('never repeats the path of a URL', async () => {
    const { url, close } = await receiver(() => {});
    await close();
    const error = await post(client(), `${url}/services/SECRET?token=SECRET`).catch(e => e);
    expect(error.message).toMatch(/ECONNREFUSED/);
    expect(error.message).not.toContain('SECRET');
  });

  it('trusts the configured CA, and takes up a new one without a restart', async () => {
    const pem = (file: string): string => readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8');
    const server = createTls({ key: pem('untrusted.key'), cert: pem('untrusted.crt') }, (_, r) => r.end('secure'));
    server.on('tlsClientError', () => {});
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    open.push(() => new Promise(resolve => server.close(() => resolve())));
    const folder = mkdtempSync(join(tmpdir(), 'spoor-'));
    open.push(async () => rmSync(folder, { recursive: true }));
    const ca_file = join(folder, 'ca.crt');
    writeFileSync(ca_file, '');
    const http = client({ tls: tlsOf({ ca_file, server_name: 'localhost' }) });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(post(http, url)).rejects.toThrow(/certificate/i);
    writeFileSync(ca_file, pem('untrusted.crt'));
    expect(await post(http, url)).toMatchObject({ status: 200, body: 'secure' });
    await http.close();
  });

  it('goes through the proxy that the environment names', async () => {
    const target = await opened(receiver((_, response) => response.end('through')));
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const [host = '', port] = (request.url ?? '').split(':');
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      socket.on('close', () => onward.destroy());
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    open.push(() => new Promise(resolve => proxy.close(() => resolve())));
    const http = client({ proxyEnv: { http_proxy: `127.0.0.1:${(proxy.address() as AddressInfo).port}` } });
    expect(await post(http, target.url)).toMatchObject({ status: 200, body: 'through' });
    expect(asked).toEqual([new URL(target.url).host]);
    await http.close();
  });

  describe('guarded', () => {
    it.each([
      'http://127.0.0.1:9',
      'http://0x7f.1:9',
      'http://[::1]:9',
      'http://[::ffff:127.0.0.1]:9',
      'http://localhost:9',
    ])('does not connect to %s', async url => {
      await expect(post(client({ allowPrivate: false }), url)).rejects.toMatchObject({ kind: 'refused' });
    });

    it('checks the very answer that the socket would use, asked for once a connection', async () => {
      const inside = await opened(receiver((_, response) => response.end()));
      const { port } = new URL(inside.url);
      let calls = 0;
      const lookup: HttpOptions['lookup'] = (_, options, callback) => {
        calls += 1;
        if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
        else callback(null, '127.0.0.1', 4);
      };
      const url = `http://rebind.example:${port}/`;
      await expect(post(client({ allowPrivate: false, lookup }), url)).rejects.toThrow(/not a public address/);
      expect([calls, inside.received.length]).toEqual([1, 0]);
      await post(client({ lookup }), url);
      expect([calls, inside.received.length]).toEqual([2, 1]);
    });

    it('refuses a name with any address inside', async () => {
      const mixed = client({
        allowPrivate: false,
        lookup: (_, options, callback) => {
          const addresses = [
            { address: '1.1.1.1', family: 4 },
            { address: 'fd00::1', family: 6 },
          ];
          if (options.all) callback(null, addresses);
          else callback(null, 'fd00::1', 6);
        },
      });
      await expect(post(mixed, 'http://mixed.example/')).rejects.toThrow(/not a public address/);
    });

    it('reaches the same server where the configuration allows it', async () => {
      const inside = await opened(receiver((_, response) => response.end('in')));
      expect(await post(client(), inside.url)).toMatchObject({ status: 200, body: 'in' });
    });
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['', undefined],
    ['0', 0],
    ['120', 120_000],
    ['99999999999', 3_600_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thu, 01 Jan 2020 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-1', undefined],
  ])('%s', (value, ms) => expect(parseRetryAfter(value, now)).toBe(ms));
});

describe('proxyFor', () => {
  const env = { HTTPS_PROXY: 'http://proxy:3128', no_proxy: 'internal.example, .svc,10.0.0.5:8443 *.corp.example' };
  it.each([
    ['https://example.org', 'http://proxy:3128'],
    ['http://example.org', null],
    ['https://internal.example', null],
    ['https://a.internal.example', null],
    ['https://hook.ns.svc', null],
    ['https://10.0.0.5:8443', null],
    ['https://10.0.0.5', 'http://proxy:3128'],
    ['https://x.corp.example', null],
    ['https://notinternal.example', 'http://proxy:3128'],
  ])('%s', (url, proxy) => expect(proxyFor(new URL(url), env)).toBe(proxy));
});
