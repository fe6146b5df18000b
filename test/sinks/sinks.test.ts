import type { LookupFunction } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { Sinks, sinkConfig, systemClock } from '../../src/sinks/index.ts';
import { MemoryOutbox, type Receiver, rawReceiver, receiver, someDeps } from './support.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(close => close()));
});
const opened = async (making: Promise<Receiver>): Promise<Receiver> => {
  const made = await making;
  open.push(made.close);
  return made;
};
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

function start(configs: Record<string, object>, lookup?: LookupFunction) {
  const outbox = new MemoryOutbox(systemClock);
  const disabled: string[] = [];
  const reasons: string[] = [];
  const sinks = new Sinks(Object.fromEntries(Object.entries(configs).map(([name, c]) => [name, sinkConfig.parse(c)])), {
    ...someDeps({ stdout: new PassThrough().resume(), ...(lookup === undefined ? {} : { lookup }) }),
    outbox,
    clock: systemClock,
    random: () => 0.5,
    onDisabled: (name, reason) => {
      disabled.push(name);
      reasons.push(reason);
    },
    log: () => {},
  });
  open.push(() => sinks.stop(0));
  return { sinks, outbox, disabled, reasons };
}

describe('all sinks together', () => {
  it('deliver to good receivers while bad ones hang, reset, redirect and flood', async () => {
    const good = await opened(receiver((_, response) => response.end()));
    const hangs = await opened(rawReceiver(() => {}));
    const resets = await opened(rawReceiver(socket => socket.resetAndDestroy()));
    const redirects = await opened(receiver((_, response) => response.writeHead(302, { location: good.url }).end()));
    const floods = await opened(receiver((_, response) => response.end(Buffer.alloc(8 * 1024 * 1024))));
    const hook = (url: string) => ({ type: 'webhook', url, secret, allow_private: true, rate: 1_000 });
    const { sinks, outbox } = start({
      good: hook(good.url),
      hangs: hook(hangs.url),
      resets: hook(resets.url),
      redirects: hook(redirects.url),
      floods: hook(floods.url),
      out: { type: 'stdout' },
    });
    for (let i = 0; i < 20; i += 1) for (const name of sinks.names) outbox.add(name);
    sinks.start();
    const state = (sink: string) => new Set(outbox.rows.filter(row => row.sink === sink).map(row => row.state));
    for (const sink of ['good', 'floods', 'out']) {
      await expect.poll(() => [...state(sink)], { timeout: 10_000 }).toEqual(['delivered']);
    }
    expect(good.received).toHaveLength(20);
    for (const sink of ['hangs', 'resets', 'redirects']) expect(state(sink)).not.toContain('delivered');
    const statuses = new Map(sinks.list().map(status => [status.name, status]));
    expect(statuses.get('good')).toMatchObject({
      type: 'webhook',
      state: 'ok',
      counters: { attempts: 20, delivered: 20 },
    });
    expect(statuses.get('redirects')?.counters.delivered).toBe(0);
  });

  it('are tried by a test past the outbox', async () => {
    const { url, received } = await opened(receiver((_, response) => response.end()));
    const { sinks } = start({ hook: { type: 'webhook', url, secret, allow_private: true } });
    expect(await sinks.test('hook', AbortSignal.timeout(5_000))).toEqual({ outcome: 'delivered', detail: 'HTTP 200' });
    expect(JSON.parse(received[0]!.body)).toMatchObject({
      type: 'test',
      data: { alerts: [{ rule: { id: 'spoor.test' } }] },
    });
    expect(await sinks.test('nope', AbortSignal.timeout(5_000))).toBeNull();
  });

  it('say how a test of them went', async () => {
    let status = 500;
    const { url } = await opened(receiver((_, response) => response.writeHead(status).end()));
    const { sinks } = start({ hook: { type: 'webhook', url, secret, allow_private: true } });
    expect(sinks.list()).toMatchObject([{ state: 'idle', lastSuccessMs: null, lastFailureMs: null }]);
    await sinks.test('hook', AbortSignal.timeout(5_000));
    expect(sinks.list()).toMatchObject([{ state: 'failing', detail: 'HTTP 500', lastFailureMs: expect.any(Number) }]);
    status = 200;
    await sinks.test('hook', AbortSignal.timeout(5_000));
    expect(sinks.list()).toMatchObject([{ state: 'ok', detail: 'HTTP 200', lastSuccessMs: expect.any(Number) }]);
    // Whoever only tries a receiver that is gone does not turn it off.
    status = 410;
    await sinks.test('hook', AbortSignal.timeout(5_000));
    expect(sinks.list()).toMatchObject([{ state: 'failing', detail: 'HTTP 410', counters: { attempts: 0 } }]);
  });

  it('are disabled by a receiver that is gone', async () => {
    const { url } = await opened(receiver((_, response) => response.writeHead(410).end()));
    const { sinks, outbox, disabled } = start({ hook: { type: 'webhook', url, secret, allow_private: true } });
    outbox.add('hook');
    sinks.start();
    await expect.poll(() => disabled).toEqual(['hook']);
    expect(sinks.list()).toMatchObject([{ state: 'disabled', detail: 'HTTP 410' }]);
  });

  it('take subscriptions as they come, change and go', async () => {
    const { sinks, outbox } = start({});
    sinks.start();
    const secrets = async () => [secret];
    await sinks.setSubscriptions([
      { id: '1', url: 'http://127.0.0.1:1/', secrets },
      { id: '2', url: 'https://example.org/', secrets },
    ]);
    expect(sinks.list().map(status => status.name)).toEqual(['webhook:1', 'webhook:2']);
    expect(sinks.names).toEqual([]);
    const row = outbox.add('webhook:1');
    sinks.wake();
    await expect.poll(() => row.error).toMatch(/127\.0\.0\.1 is not a public address/);
    expect(row.state).toBe('dead');
    await sinks.setSubscriptions([{ id: '2', url: 'https://example.org/other', secrets }]);
    expect(sinks.list().map(status => status.name)).toEqual(['webhook:2']);
  });
});

describe('a subscription by name', () => {
  const secrets = async () => [secret];
  const resolvingTo =
    (...addresses: string[]): LookupFunction =>
    (_name, options, callback) => {
      const all = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
      if (options.all === true) (callback as (error: null, all: unknown) => void)(null, all);
      else callback(null, all[0]!.address, all[0]!.family);
    };

  it('that leads to private addresses alone is disabled, with the reason', async () => {
    const { sinks, outbox, disabled, reasons } = start({}, resolvingTo('10.0.0.5', '::ffff:169.254.169.254'));
    sinks.start();
    await sinks.setSubscriptions([{ id: '1', url: 'http://hook.example/x', secrets }]);
    // Before anything fires.
    await expect.poll(() => disabled).toEqual(['webhook:1']);
    expect(reasons).toEqual(['target hook.example resolves to 10.0.0.5, which is not a public address']);
    const row = outbox.add('webhook:1');
    sinks.wake();
    await expect.poll(() => disabled).toEqual(['webhook:1', 'webhook:1']);
    expect(row).toMatchObject({ state: 'dead', error: reasons[0] });
  });

  it('that leads to a private address among public ones is never connected, and tried again', async () => {
    const { sinks, outbox, disabled } = start({}, resolvingTo('8.8.8.8', '127.0.0.1'));
    sinks.start();
    await sinks.setSubscriptions([{ id: '1', url: 'http://hook.example/x', secrets }]);
    const row = outbox.add('webhook:1');
    sinks.wake();
    await expect.poll(() => row.error).toMatch(/resolves to 127\.0\.0\.1, among others/);
    expect(row.state).toBe('pending');
    expect(disabled).toEqual([]);
  });
});

describe('sink configuration', () => {
  it.each([
    { type: 'stdout' },
    { type: 'file', path: '/tmp/x', max_size: '10MiB' },
    { type: 'webhook', url: 'https://example.org/spoor', secret_file: '/run/secrets/hook', allow_private: false },
    { type: 'slack', webhook_url_file: '/run/secrets/slack' },
    { type: 'pagerduty', routing_key_file: '/run/secrets/pd' },
  ])('takes %j', config => expect(sinkConfig.safeParse(config).success).toBe(true));

  it.each([{ type: 'carrier-pigeon' }, { type: 'stdout', colour: true }, { type: 'file' }, {}])('refuses %j', config =>
    expect(sinkConfig.safeParse(config).success).toBe(false),
  );

  it.each([
    [
      { type: 'webhook', secret, url: 'http://10.0.0.1/hook' },
      'url',
      /10\.0\.0\.1 is not a public address; allow_private/,
    ],
    [
      { type: 'webhook', secret, url: 'http://0x7f000001/' },
      'url',
      /127\.0\.0\.1 is not a public address; allow_private/,
    ],
    [{ type: 'webhook', secret, url: 'ftp://example.org/' }, 'url', /must be http: or https:$/],
    [{ type: 'slack', webhook_url: 'http://localhost/' }, 'webhook_url', /localhost is not a public address/],
    [{ type: 'slack', token: 't', channel: 'c', api_url: 'http://[::1]/api' }, 'api_url', /::1 is not a public/],
    [{ type: 'pagerduty', routing_key: 'k', url: 'http://192.168.0.1/' }, 'url', /192\.168\.0\.1 is not a public/],
  ])('tells of a target that would be refused: %j', (config, key, message) => {
    const { error } = sinkConfig.safeParse(config);
    expect(error?.issues).toMatchObject([{ path: [key], message: expect.stringMatching(message) }]);
    const permitted = { ...config, allow_private: true };
    expect(sinkConfig.safeParse(permitted).success).toBe(!message.source.endsWith('$'));
  });
});
