/** Five thousand processes and a hundred thousand flows in a real Chromium: bounded, whole in what matters, opened by the page. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';
import { LARGE_POD, writeLargeCase } from '../support/large-case.ts';
import { axeViolations, launch, MISSING, visit } from './browser.ts';

/** What the document holds of a picture of any size. */
const ELEMENTS_MAX = 6_000;
const POD = `/pods/${LARGE_POD.namespace}/${LARGE_POD.name}`;

describe.skipIf(MISSING !== '')(`a large picture${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let app: App;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-large-'));
    const path = writeLargeCase(folder, 5_000, 100_000);
    const config = configSchema.parse({
      sources: [{ type: 'capture', name: 'large', path, speed: 'max' }],
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    });
    [browser, app] = await Promise.all([launch(), startApp(config)]);
    await app.run();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const elements = (page: Page): Promise<number> => page.evaluate(() => document.querySelectorAll('*').length);

  it('is bounded, tells how much there is, and shows the evidence', async () => {
    const { page, complaints, close } = await visit(browser, app.address, POD);
    await page.getByText(/Showing \d+ of 5,000 processes; 10,000 connections with 100,000 flows/).waitFor();
    const netcat = page.getByRole('treeitem', { name: /^nc\.traditional 198\.51\.100\.66 4444.*step 1/ });
    await netcat.waitFor();
    expect(await netcat.getAttribute('aria-label')).toContain('connects to 198.51.100.66 TCP 4444');
    expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);

    await page.locator('.picture').evaluate(element => element.scrollTo(0, element.scrollHeight / 2));
    await netcat.waitFor({ state: 'detached' });
    await page.getByRole('treeitem').nth(5).waitFor();
    expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);
    expect(await axeViolations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  it('opens what is folded, by the keyboard, and keeps the focus', async () => {
    const { page, complaints, close } = await visit(browser, app.address, POD);
    const fold = page.getByRole('treeitem', { name: /^10 × curl/ }).first();
    await fold.waitFor();
    expect(await fold.getAttribute('aria-expanded')).toBe('false');
    await fold.focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('[role=treeitem][aria-expanded=true][aria-label^="10 × curl"]').first().waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^10 × curl/);
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^curl -s/);

    await page.keyboard.press('End');
    const focused = (): Promise<string | null> =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? null);
    await expect.poll(focused).toMatch(/^bash .* not shown/);
    await page.keyboard.press('ArrowRight');
    await expect.poll(focused, { timeout: 20_000 }).not.toMatch(/not shown/);
    expect(await focused()).toMatch(/^bash/);
    await page.getByRole('button', { name: 'Fold all' }).click();
    await page.locator('.picture').evaluate(element => element.scrollTo(0, 0));
    await expect.poll(() => fold.getAttribute('aria-expanded')).toBe('false');
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  it('lets a folded destination be opened, and time be wound back', async () => {
    const { page, complaints, close } = await visit(browser, app.address, POD);
    await page.locator('.end-alike').first().click();
    const details = page.getByRole('complementary', { name: 'Details' });
    await details.getByRole('button', { name: /one by one/ }).click();
    // All of it stands one by one now: nothing is left of the fold, nor of what was told of it.
    await details.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Fold all' }).waitFor();
    await page.getByRole('slider', { name: 'Time' }).fill('1');
    await page.locator('.row.future').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);
});
