/** `npm run screenshots`: the web page on the recorded break-in, light and dark, into docs/screens/. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startApp } from '../src/commands/serve.ts';
import { configSchema } from '../src/config/schema.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'docs/screens');
const data = mkdtempSync(join(tmpdir(), 'spoor-screens-'));
mkdirSync(out, { recursive: true });

const capture = ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(file => join(root, 'captures/lateral-movement', file));
const app = await startApp(
  configSchema.parse({
    sources: [{ type: 'capture', name: 'recorded break-in', path: capture, speed: 'max' }],
    store: { path: join(data, 'spoor.db') },
    api: { listen: '127.0.0.1:0' },
    log: { level: 'error' },
  }),
);
await app.run();
const answer = await fetch(`${app.address}/api/v1/incidents`);
const { items } = (await answer.json()) as { items: { id: string }[] };

const browser = await chromium.launch({
  executablePath: process.env.SPOOR_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
});
const PAGES = [
  { name: 'overview', path: '/', wait: 'h2' },
  { name: 'incident', path: `/incidents/${items[0]?.id}`, wait: '.row.marked' },
  { name: 'pod', path: '/pods/tenant-jobs/crawler-556db57cd7-tkvfd', wait: '.row' },
  { name: 'rules', path: '/rules', wait: 'main h1, main h2' },
] as const;
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme, reducedMotion: 'reduce' });
  for (const { name, path, wait } of PAGES) {
    await page.goto(`${app.address}${path}`);
    await page.locator(wait).first().waitFor();
    // The stream stays open for ever: what is waited for is that nothing more is being read.
    const loading = page.locator('.loading');
    while ((await loading.count()) > 0) await loading.first().waitFor({ state: 'detached' });
    await page.locator('.live-live').waitFor();
    await page.screenshot({ path: join(out, `${name}-${colorScheme}.png`) });
  }
  await page.close();
}
await browser.close();
await app.stop();
rmSync(data, { recursive: true, force: true });
process.stdout.write(`written to ${out}\n`);
