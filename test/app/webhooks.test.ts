import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { App } from '../../src/app/app.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openStore } from '../../src/store/sqlite/open.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-hooks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const miner = ['tetragon', 'hubble'].map(file => join(import.meta.dirname, `../../captures/miner/${file}.jsonl.gz`));

it('refuses private webhooks by HTTP, and disables one from before that leads nowhere else, with the reason', async () => {
  const path = join(folder, 'spoor.db');
  const store = await openStore({ path });
  const url = 'http://127.0.0.1:9/hook';
  const { webhook } = await store.webhooks.create(
    { url, description: '', levels: [], rules: [], namespaces: null },
    null,
  );
  await store.close();
  const config = configSchema.parse({
    sources: [{ type: 'capture', path: miner }],
    store: { path },
    recorder: { keep: '0s' },
    api: { listen: '127.0.0.1:0' },
    rules: { watch: false },
  });
  const app = await App.start(config, { version: 'test', log: () => undefined });
  try {
    const webhooks = `${app.address}/api/v1/webhooks`;
    const headers = { 'content-type': 'application/json' };
    const refused = await fetch(webhooks, { method: 'POST', headers, body: JSON.stringify({ url }) });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('127.0.0.1 is not a public address');
    await app.run();
    const read = async () => (await fetch(`${webhooks}/${webhook.id}`)).json();
    await expect.poll(read, { timeout: 10_000 }).toMatchObject({
      enabled: false,
      disabled_reason: 'target 127.0.0.1 is not a public address',
    });
  } finally {
    await app.stop();
  }
});
