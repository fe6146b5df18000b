/**
 * The web page against its budgets: what its first load weighs and asks, when it paints, and how long five thousand processes with
 * a hundred thousand flows hold up the browser and the server. Lines are `name value goal`; less is better. The sizes need no
 * browser; without Chromium the times are left out, and told so.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { startApp } from '../src/commands/serve.ts';
import { configSchema } from '../src/config/schema.ts';
import { LARGE_POD, writeLargeCase } from '../test/support/large-case.ts';

const UI = join(import.meta.dirname, '..', 'dist', 'ui');
const FIRST_LOAD_MAX = 300 * 1024;
const FIRST_LOAD_REQUESTS_MAX = 30;
const FIRST_PAINT_MS_MAX = 1_000;
/** What tasks of the page's script take beyond 50 ms each while it loads, together: as Lighthouse counts it. */
const BLOCKING_MS_MAX = 200;
const INTERACTION_MS_MAX = 50;
const ELEMENTS_MAX = 3_000;
const ANSWER_MS_MAX = 1_000;
const ANSWER_BYTES_MAX = 1_000_000;
/** The longest that the server's event loop stands still while it makes the large picture. */
const SERVER_HELD_MS_MAX = 100;
/** Until nothing more is being read. */
const SETTLED_MS = 1_500;
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

const told = (name: string, value: number, goal: number): void =>
  console.log(`page-${name} ${Math.round(value)} ${goal}`);

/** What of the page's script took longer than 50 ms, ms each, since it was last asked. */
const longTasks = (page: Page): Promise<number[]> =>
  page.evaluate(() => (window as unknown as { tasks: number[] }).tasks.splice(0));

const blocking = (tasks: readonly number[]): number => tasks.reduce((sum, ms) => sum + ms - 50, 0);

async function visit(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.addInitScript(() => {
    const held = window as unknown as { tasks: number[] };
    held.tasks = [];
    new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) held.tasks.push(duration);
    }).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(address);
  return page;
}

async function firstLoad(browser: Browser, address: string): Promise<void> {
  const page = await visit(browser, address);
  await page.locator('.row').first().waitFor();
  await page.waitForTimeout(SETTLED_MS);
  const [paint, requests] = await page.evaluate(() => {
    const entry = performance.getEntriesByName('first-contentful-paint')[0];
    return [entry?.startTime ?? Number.NaN, performance.getEntriesByType('resource').length + 1] as const;
  });
  told('first-load-requests', requests, FIRST_LOAD_REQUESTS_MAX);
  told('first-paint-ms', paint, FIRST_PAINT_MS_MAX);
  told('first-load-blocking-ms', blocking(await longTasks(page)), BLOCKING_MS_MAX);
  await page.close();
}

/** The large picture as the server gives it, the first time and when it has done so before. */
async function answer(address: string): Promise<void> {
  for (const name of ['first', 'again'] as const) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const [begun, cpu] = [performance.now(), process.cpuUsage()];
    const bytes = (await (await fetch(address)).arrayBuffer()).byteLength;
    const { user, system } = process.cpuUsage(cpu);
    delay.disable();
    told(`large-answer-${name}-ms`, performance.now() - begun, ANSWER_MS_MAX);
    console.log(
      `large picture, ${name}: ${Math.round((user + system) / 1_000)} ms of CPU, that of asking for it included`,
    );
    told(`large-answer-${name}-held-ms`, delay.max / 1e6, SERVER_HELD_MS_MAX);
    if (name === 'again') told('large-answer-bytes', bytes, ANSWER_BYTES_MAX);
  }
}

async function largePicture(browser: Browser, address: string): Promise<void> {
  const page = await visit(browser, address);
  await page.locator('.row').first().waitFor();
  await page.waitForTimeout(SETTLED_MS);
  told('large-blocking-ms', blocking(await longTasks(page)), BLOCKING_MS_MAX);
  told('large-elements', await page.evaluate(() => document.querySelectorAll('*').length), ELEMENTS_MAX);
  const acts = {
    scroll: () =>
      page.locator('.picture').evaluate(async element => {
        for (let n = 0; n < 20; n++) {
          element.scrollTop += 200;
          await new Promise(resolve => requestAnimationFrame(resolve));
        }
      }),
    point: async () => {
      for (let n = 5; n < 15; n++) await page.locator('.row').nth(n).hover();
    },
    select: () => page.locator('.row').nth(5).click(),
    scrub: async () => {
      for (const value of ['900', '600', '300', '100']) {
        await page.getByRole('slider', { name: 'Time' }).fill(value);
      }
    },
  };
  for (const [name, act] of Object.entries(acts)) {
    await act();
    await page.waitForTimeout(300);
    // Shorter tasks are not told: 0 stands for less than 50.
    told(`large-${name}-ms`, Math.max(0, ...(await longTasks(page))), INTERACTION_MS_MAX);
  }
  await page.close();
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
    await firstLoad(browser, app.address);
    const pod = `/pods/${LARGE_POD.namespace}/${LARGE_POD.name}`;
    await answer(`${app.address}/api/v1${pod}/picture`);
    await largePicture(browser, `${app.address}${pod}`);
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
