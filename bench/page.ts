/**
 * The web page: what its first load weighs, and how long it takes and holds the browser up on five thousand processes with a hundred
 * thousand flows. The sizes need no browser; without Chromium the times are left out, and told so.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium, type Page } from 'playwright-core';
import { startApp } from '../src/commands/serve.ts';
import { configSchema } from '../src/config/schema.ts';
import { LARGE_POD, writeLargeCase } from '../test/support/large-case.ts';

const UI = join(import.meta.dirname, '..', 'dist', 'ui');
const FIRST_LOAD_MAX = 300 * 1024;
const FIRST_PAINT_MS_MAX = 1_000;
const INTERACTION_MS_MAX = 50;
const CHROMIUM = process.env.SPOOR_CHROMIUM ?? '/usr/bin/chromium';

function weigh(): void {
  const index = readFileSync(join(UI, 'index.html'), 'utf8');
  let first = gzipSync(index).length;
  for (const name of readdirSync(join(UI, 'assets')).sort()) {
    const size = gzipSync(readFileSync(join(UI, 'assets', name))).length;
    const isFirst = index.includes(name);
    if (isFirst) first += size;
    console.log(`chunk ${name}: ${size.toLocaleString('en')} bytes gzip${isFirst ? ', of the first load' : ''}`);
  }
  console.log(`page-first-load-bytes ${first} ${FIRST_LOAD_MAX}`);
}

/** The longest task of the page's script while something was done to it, ms; 0 when none was longer than 50. */
async function longest(page: Page, act: () => Promise<void>): Promise<number> {
  await page.evaluate(() => {
    const held = window as unknown as { tasks: number[] };
    held.tasks = [];
    new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) held.tasks.push(duration);
    }).observe({ type: 'longtask' });
  });
  await act();
  await page.waitForTimeout(300);
  return page.evaluate(() => Math.max(0, ...(window as unknown as { tasks: number[] }).tasks));
}

async function time(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-bench-page-'));
  const path = writeLargeCase(folder, 5_000, 100_000);
  const app = await startApp(
    configSchema.parse({
      sources: [{ type: 'capture', name: 'large', path, speed: 'max' }],
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    }),
  );
  await app.run();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(app.address);
    const paint = await page.waitForFunction(
      () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
    );
    console.log(`page-first-paint-ms ${Math.round(Number(await paint.jsonValue()))} ${FIRST_PAINT_MS_MAX}`);

    const address = `${app.address}/api/v1/pods/${LARGE_POD.namespace}/${LARGE_POD.name}/picture`;
    const begun = performance.now();
    const bytes = (await (await fetch(address)).arrayBuffer()).byteLength;
    console.log(`large picture: ${bytes.toLocaleString('en')} bytes of JSON`);
    console.log(`page-large-answer-ms ${Math.round(performance.now() - begun)} 1000`);
    await page.goto(`${app.address}/pods/${LARGE_POD.namespace}/${LARGE_POD.name}`);
    await page.locator('.row').first().waitFor();
    await page.waitForTimeout(1_000);
    const elements = await page.evaluate(() => document.querySelectorAll('*').length);
    console.log(`large picture: ${elements.toLocaleString('en')} elements in the document`);
    const scroll = (): Promise<void> =>
      page.locator('.picture').evaluate(async element => {
        for (let n = 0; n < 20; n++) {
          element.scrollTop += 200;
          await new Promise(resolve => requestAnimationFrame(resolve));
        }
      });
    const scrub = async (): Promise<void> => {
      for (const value of ['900', '600', '300', '100']) {
        await page.getByRole('slider', { name: 'Time' }).fill(value);
      }
    };
    const acts = { scroll, select: () => page.locator('.row').nth(5).click(), scrub };
    for (const [name, act] of Object.entries(acts)) {
      console.log(`page-large-${name}-ms ${Math.round(await longest(page, act))} ${INTERACTION_MS_MAX}`);
    }
  } finally {
    await browser.close();
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!existsSync(join(UI, 'index.html'))) console.log('page: skipped, it is not built');
else {
  weigh();
  if (existsSync(CHROMIUM)) await time();
  else console.log(`page: times skipped, there is no Chromium at ${CHROMIUM} (SPOOR_CHROMIUM)`);
}
