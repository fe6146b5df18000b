/** The page as others see it: very large, in few colours, without motion, and under its own policy. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';
import { axeViolations, launch, MISSING, visit } from './browser.ts';

const recording = (file: string): string => fileURLToPath(new URL(`../../captures/exfil/${file}`, import.meta.url));
const POD = '/pods/tenant-jobs/crawler-556db57cd7-tkvfd';
/** A screen of 1280 × 1024 at 400 %, and a narrow telephone: both are 320 CSS pixels wide (WCAG 1.4.10). */
const NARROW = [
  ['400 %', { width: 320, height: 256 }],
  ['320 px', { width: 320, height: 640 }],
] as const;

/** Computed when asked, of the first that the selector finds. */
const style = (page: Page, selector: string, property: string): Promise<string> =>
  page
    .locator(selector)
    .first()
    .evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);

/** What the page's policy refused so far; null when nobody counts. */
const refused = (page: Page): Promise<string[] | null> =>
  page.evaluate(() => (window as unknown as { refused?: string[] }).refused ?? null);

describe.skipIf(MISSING !== '')(`the page under conditions${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let app: App;
  let folder: string;
  let incident: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-conditions-'));
    const path = ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(recording);
    const config = configSchema.parse({
      sources: [{ type: 'capture', name: 'exfiltration', path, speed: 'max' }],
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    });
    [browser, app] = await Promise.all([launch(), startApp(config)]);
    await app.run();
    const { items } = (await (await fetch(`${app.address}/api/v1/incidents`)).json()) as { items: { id: string }[] };
    incident = `/incidents/${items[0]?.id}`;
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(NARROW)('at %s', (_, viewport) => {
    it('scrolls in one direction: the page is as wide as its window', async () => {
      for (const path of ['/', '/incidents', incident, POD, '/connections', '/events', '/rules', '/map']) {
        const { page, close } = await visit(browser, app.address, path, { viewport });
        await page.locator('main h1, main h2').first().waitFor({ state: 'attached' });
        await expect.poll(() => page.locator('main .loading').count(), { timeout: 10_000 }).toBe(0);
        // A page’s own style sheet comes with it, a moment later.
        const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
        await expect.poll(width, { message: path }).toBeLessThanOrEqual(320);
        await close();
      }
    }, 60_000);

    it('lets the picture be read to its end, and its details be opened and closed', async () => {
      const { page, complaints, close } = await visit(browser, app.address, incident, { viewport });
      const row = page.getByRole('treeitem', { name: /step 1,/ });
      await row.waitFor();
      const picture = page.locator('.picture');
      const reach = await picture.evaluate(element => {
        element.scrollTo(element.scrollWidth, 0);
        return element.scrollLeft + element.clientWidth - element.scrollWidth;
      });
      expect(Math.abs(reach)).toBeLessThanOrEqual(1);
      await picture.evaluate(element => element.scrollTo(0, 0));
      await row.focus();
      await page.keyboard.press('Enter');
      const details = page.getByRole('complementary', { name: 'Details' });
      const box = await details.boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual(0);
      expect((box?.x ?? 0) + (box?.width ?? Number.NaN)).toBeLessThanOrEqual(320);
      await details.getByRole('button', { name: 'Close details' }).click();
      await details.waitFor({ state: 'detached' });
      for (const name of ['Play', 'Fit', 'SVG']) {
        await page.getByRole('button', { name, exact: true }).click();
      }
      expect(await axeViolations(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    });
  });

  it('tells evidence, focus and selection apart when colours are forced', async () => {
    const { page, close } = await visit(browser, app.address, incident, { forcedColors: 'active' });
    const row = page.getByRole('treeitem', { name: /step 1,/ });
    await row.waitFor();
    expect(await page.evaluate(() => matchMedia('(forced-colors: active)').matches)).toBe(true);
    const [marked, quiet] = [
      await style(page, '.edge.marked .edge-line', 'stroke'),
      await style(page, '.edge:not(.marked, .dropped) .edge-line', 'stroke'),
    ];
    expect(marked).not.toBe(quiet);
    const ground = await style(page, 'body', 'background-color');
    for (const colour of [marked, quiet, await style(page, '.row-ground', 'stroke')]) expect(colour).not.toBe(ground);
    await row.focus();
    expect(await style(page, '[role="tree"] .focus', 'stroke')).not.toBe(await style(page, '.row-ground', 'stroke'));
    await page.keyboard.press('Enter');
    expect(await style(page, '.row.selected .row-ground', 'stroke-width')).not.toBe(
      await style(page, '.row:not(.selected) .row-ground', 'stroke-width'),
    );
    expect(await axeViolations(page)).toEqual([]);
    await close();
  });

  it('plays by itself only for those who have not asked for less motion', async () => {
    for (const [reducedMotion, plays] of [
      ['no-preference', true],
      ['reduce', false],
    ] as const) {
      const { page, close } = await visit(browser, app.address, '/', { reducedMotion });
      await page.locator('.row').first().waitFor();
      await page.getByRole('button', { name: plays ? 'Pause' : 'Play', exact: true }).waitFor();
      expect(await page.locator('output').textContent(), reducedMotion).toMatch(plays ? /^\d\d:/ : /^everything$/);
      await close();
    }
  });

  it('does nothing that its policy refuses, and its policy refuses what is written into it', async () => {
    for (const path of ['/', incident, POD, '/events', '/map', '/rules', '/deliveries']) {
      const context = await browser.newContext({ reducedMotion: 'reduce' });
      const page = await context.newPage();
      await page.addInitScript(() => {
        const held = window as unknown as { refused: string[] };
        held.refused = [];
        document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
          held.refused.push(`${violatedDirective} ${blockedURI}`),
        );
      });
      await page.goto(`${app.address}${path}`);
      await page.locator('main h1, main h2').first().waitFor({ state: 'attached' });
      await expect.poll(() => page.locator('main .loading').count(), { timeout: 10_000 }).toBe(0);
      if ((await page.locator('.row').count()) > 0) {
        await page.locator('.row').nth(2).click();
        await page.getByRole('slider', { name: 'Time' }).fill('500');
        await page.getByRole('button', { name: 'PNG' }).click();
      }
      expect(await refused(page), path).toEqual([]);
      // The listener hears: what an attacker would write is refused, and counted.
      await page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'window.owned = true';
        document.body.append(script);
      });
      await expect.poll(() => refused(page)).toEqual([expect.stringMatching(/^script-src/)]);
      expect(await page.evaluate(() => 'owned' in window)).toBe(false);
      await context.close();
    }
  }, 60_000);
});
