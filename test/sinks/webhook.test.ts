import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sink } from '../../src/sinks/sink.ts';
import { createSubscription, createWebhook, WEBHOOK_BODY_BYTES_MAX, webhookConfig } from '../../src/sinks/webhook.ts';
import { HOSTILE } from '../support/hostile.ts';
import { httpSinkConformance } from './conformance.ts';
import { aDelivery, anAlert, hostileDelivery, type Received, type Receiver, receiver, someDeps } from './support.ts';

const key = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const parse = (over: object) => webhookConfig.parse({ type: 'webhook', secret: key(1), allow_private: true, ...over });

httpSinkConformance('webhook', {
  create: url => createWebhook('hook', parse({ url: `${url}/hooks/SECRET?t=SECRET` }), someDeps()),
  success: { status: 200, body: '' },
  statusSuffices: true,
});

describe('a webhook', () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(close => close()));
  });
  const keep = (sink: Sink): Sink => {
    open.push(() => sink.close());
    return sink;
  };
  const server = async (status = 200): Promise<Receiver> => {
    const made = await receiver((_, response) => response.writeHead(status).end());
    open.push(made.close);
    return made;
  };
  const signal = () => AbortSignal.timeout(5_000);
  const verify = (secret: string, { body, headers }: Received): unknown => new Webhook(secret).verify(body, headers);

  it('is a Standard Webhook', async () => {
    const { url, received } = await server();
    const sink = keep(createWebhook('hook', parse({ url }), someDeps()));
    const delivery = aDelivery();
    expect(await sink.send(delivery, signal())).toMatchObject({ outcome: 'delivered' });
    expect(verify(key(1), received[0]!)).toEqual({
      type: 'alert.created',
      timestamp: delivery.alerts[0]?.last_seen,
      data: { alerts: delivery.alerts, incident: delivery.incident },
    });
    expect(received[0]?.headers['webhook-id']).toBe('d1');
    expect(() => verify(key(2), received[0]!)).toThrow();
  });

  it('has the same id and body on every attempt, and its own time and signature', async () => {
    const { url, received } = await server();
    let now = Date.now() - 60_000;
    const sink = keep(createWebhook('hook', parse({ url }), someDeps({ now: () => now })));
    await sink.send(aDelivery({ attempt: 1 }), signal());
    now += 30_000;
    await sink.send(aDelivery({ attempt: 2 }), signal());
    const [first, second] = received as [Received, Received];
    expect(second.body).toBe(first.body);
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
    expect(second.headers['webhook-timestamp']).not.toBe(first.headers['webhook-timestamp']);
    for (const one of received) expect(verify(key(1), one)).toBeTruthy();
  });

  it('signs with both keys while they rotate', async () => {
    const { url, received } = await server();
    const sink = keep(createWebhook('hook', parse({ url, previous_secret: key(2) }), someDeps()));
    await sink.send(aDelivery(), signal());
    expect(received[0]?.headers['webhook-signature']?.split(' ')).toHaveLength(2);
    for (const secret of [key(1), key(2)]) expect(verify(secret, received[0]!)).toBeTruthy();
    expect(() => verify(key(3), received[0]!)).toThrow();
  });

  it('reads its secret again when the file changes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spoor-'));
    open.push(async () => rmSync(folder, { recursive: true }));
    const file = join(folder, 'secret');
    writeFileSync(file, `${key(1)}\n`);
    const { url, received } = await server();
    const sink = keep(createWebhook('hook', parse({ url, secret: undefined, secret_file: file }), someDeps()));
    await sink.send(aDelivery(), signal());
    writeFileSync(file, `${key(2)}\n\n`.trimEnd());
    await sink.send(aDelivery(), signal());
    expect(verify(key(1), received[0]!)).toBeTruthy();
    expect(verify(key(2), received[1]!)).toBeTruthy();
  });

  it('sends nothing without a usable secret', async () => {
    const { url, received } = await server();
    const missing = keep(
      createWebhook('hook', parse({ url, secret: undefined, secret_file: '/nonexistent/secret' }), someDeps()),
    );
    expect(await missing.send(aDelivery(), signal())).toMatchObject({
      outcome: 'retry',
      detail: expect.stringMatching(/ENOENT/),
    });
    expect(received).toEqual([]);
  });

  it('is disabled by 410', async () => {
    const { url } = await server(410);
    const sink = keep(createWebhook('hook', parse({ url }), someDeps()));
    expect(await sink.send(aDelivery(), signal())).toMatchObject({ outcome: 'disable' });
  });

  it.each(HOSTILE)('carries hostile text unchanged and verifiable: $name', async ({ text }) => {
    const { url, received } = await server();
    const sink = keep(createWebhook('hook', parse({ url }), someDeps()));
    expect(await sink.send(hostileDelivery(text), signal())).toMatchObject({ outcome: 'delivered' });
    const { data } = verify(key(1), received[0]!) as { data: { alerts: { message: string }[] } };
    expect(data.alerts[0]?.message).toBe(text);
  });

  it('leaves raw evidence out of what would be too long', async () => {
    const { url, received } = await server();
    const sink = keep(createWebhook('hook', parse({ url }), someDeps()));
    const raw = { text: 'x'.repeat(WEBHOOK_BODY_BYTES_MAX) };
    const evidence = anAlert().evidence.map(e => ({ ...e, raw }));
    await sink.send(aDelivery({ alerts: [anAlert({ evidence })] }), signal());
    const { data } = verify(key(1), received[0]!) as { data: { alerts: object[] } };
    expect(data.alerts[0]).toMatchObject({ evidence_omitted: true, evidence: [{ raw: null }] });
  });

  it('set up through the API reaches no private address', async () => {
    const { url, received } = await server();
    const sink = keep(createSubscription('webhook:1', { url: () => url, secrets: () => [key(1)] }, someDeps()));
    expect(await sink.send(aDelivery(), signal())).toMatchObject({
      outcome: 'disable',
      detail: expect.stringMatching(/not a public address/),
    });
    expect(received).toEqual([]);
  });

  it.each([
    [{ secret: 'whsec_short' }, /24 to 64 bytes/],
    [{ secret: Buffer.alloc(32).toString('base64') }, /whsec_/],
    [{ secret: undefined }, /needs secret or secret_file/],
    [{ secret_file: '/x' }, /not both/],
    [{ url: 'nonsense' }, /URL/i],
    [{ secert: 'x' }, /secert/],
    [{ timeout: 5 }, /timeout|string/],
  ])('refuses the configuration %j', (over, message) => {
    expect(() => parse({ url: 'https://example.org', ...over })).toThrow(message);
  });
});
