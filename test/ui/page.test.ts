/** The web page in a real Chromium, served by the real program that plays a recording. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';
import { commitAlert, makeAlert, makeIncident, startApi } from '../api/support.ts';
import { HOSTILE } from '../support/hostile.ts';
import { axeViolations, launch, MISSING, visit } from './browser.ts';

const recording = (file: string): string =>
  fileURLToPath(new URL(`../../captures/lateral-movement/${file}`, import.meta.url));
const CRAWLER = 'tenant-jobs/crawler-556db57cd7-tkvfd';

async function expectAccessible(page: Page): Promise<void> {
  expect(await axeViolations(page)).toEqual([]);
}

describe.skipIf(MISSING !== '')(`the web page${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let app: App;
  let folder: string;
  let incident: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-page-'));
    const config = configSchema.parse({
      sources: [
        {
          type: 'capture',
          name: 'recorded break-in',
          path: ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(recording),
          speed: 'max',
        },
      ],
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    });
    [browser, app] = await Promise.all([launch(), startApp(config)]);
    await app.run();
    const answer = await fetch(`${app.address}/api/v1/incidents`);
    const { items } = (await answer.json()) as { items: { id: string }[] };
    incident = items[0]?.id ?? '';
    expect(incident).not.toBe('');
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const PAGES = [
    ['/', 'Open incidents'],
    ['/incidents', 'opened a shell'],
    ['/incidents?level=low', 'None matches'],
    ['/incidents/INCIDENT', 'What fired'],
    [`/pods/${CRAWLER}`, 'recorded break-in|crawler'],
    ['/connections', 'connections'],
    ['/rules', 'Reverse shell'],
    ['/deliveries', 'no sink is configured'],
  ] as const;

  it.each(PAGES)('shows %s without a complaint of the browser, light and dark', async (path, text) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints, close } = await visit(browser, app.address, path.replace('INCIDENT', incident), {
        colorScheme,
      });
      await page.getByText(new RegExp(text)).first().waitFor();
      await expectAccessible(page);
      expect(complaints).toEqual([]);
      await close();
    }
  });

  it('keeps to the width of a phone', async () => {
    for (const path of ['/', '/incidents', `/incidents/${incident}`, '/rules', '/connections', '/deliveries']) {
      const { page, close } = await visit(browser, app.address, path, { viewport: { width: 360, height: 740 } });
      await page.locator('main h1, main h2').first().waitFor({ state: 'attached' });
      await page.waitForLoadState('networkidle').catch(() => {});
      const [wanted, given] = await page.evaluate(
        () => [document.documentElement.scrollWidth, window.innerWidth] as const,
      );
      expect(wanted, path).toBeLessThanOrEqual(given);
      await close();
    }
  });

  it('leads from the alert to the exported capture, by keyboard', async () => {
    const { page, complaints, close } = await visit(browser, app.address, '/');
    await page.getByText('opened a shell').first().waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await page.waitForURL('**/incidents');
    await page.locator('tbody tr').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('a');
    await page.getByText('acknowledged', { exact: true }).last().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/incidents/*');

    const row = page.getByRole('treeitem', { name: /^nc\.traditional 198\.51\.100\.66 4444/ });
    await row.waitFor();
    expect(await row.getAttribute('aria-label')).toContain('connects to 198.51.100.66 TCP 4444');
    // From the pod's head down to what was marked last.
    await page.getByRole('treeitem').first().focus();
    for (let n = 0; n < 4; n++) await page.keyboard.press('ArrowDown');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^nc\.traditional/);
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary', { name: 'Details' });
    await details.getByText('/usr/bin/nc.traditional', { exact: true }).waitFor();
    await details.getByRole('link', { name: 'Reverse shell by a network tool' }).waitFor();
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });

    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'SVG' }).click();
    const svg = readFileSync(await (await saved).path(), 'utf8');
    for (const text of ['nc.traditional', '198.51.100.66', 'exfil-bucket.s3.amazonaws.com'])
      expect(svg).toContain(text);

    const drawn = page.waitForEvent('download');
    await page.getByRole('button', { name: 'PNG' }).click();
    expect(
      readFileSync(await (await drawn).path())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');

    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download capture' }).click();
    const lines = gunzipSync(readFileSync(await (await download).path()))
      .toString()
      .trim()
      .split('\n');
    expect(lines.some(line => line.includes('nc.traditional'))).toBe(true);

    await page.getByPlaceholder('Comment').fill('contained');
    await page.getByRole('button', { name: 'Resolve' }).click();
    await page.getByText('resolved', { exact: true }).first().waitFor();
    await page.getByText('contained').waitFor();
    await page.getByRole('button', { name: 'Reopen' }).click();
    await page.getByRole('button', { name: 'Acknowledge' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('numbers the story, and stands the reached pod to the right', async () => {
    const { page, close } = await visit(browser, app.address, `/incidents/${incident}`);
    await page.getByRole('treeitem', { name: /^pod tenant-jobs\/elasticsearch/ }).waitFor();
    const labels = await page
      .getByRole('treeitem')
      .evaluateAll(items => items.map(item => item.getAttribute('aria-label') ?? ''));
    const steps = labels.flatMap(label => [...label.matchAll(/step (\d+)/g)].map(([, step]) => Number(step)));
    expect([...new Set(steps)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: Math.max(...steps) }, (_, n) => n + 1),
    );
    expect(labels.find(label => label.startsWith('curl -s -T'))).toMatch(
      /connects to exfil-bucket\.s3\.amazonaws\.com TCP 443 \(step/,
    );
    const box = (name: RegExp) => page.getByRole('treeitem', { name }).first().boundingBox();
    const [from, to] = await Promise.all([box(/^pod tenant-jobs\/crawler/), box(/^pod tenant-jobs\/elasticsearch/)]);
    expect((from?.x ?? 0) + (from?.width ?? 0)).toBeLessThan(to?.x ?? 0);
    await close();
  });

  it('shows the picture as it was', async () => {
    const { page, close } = await visit(browser, app.address, `/incidents/${incident}`);
    const slider = page.getByRole('slider', { name: 'Time' });
    await slider.focus();
    await page.keyboard.press('Home');
    expect(
      await page
        .getByRole('treeitem', { name: /^nc\.traditional/ })
        .locator('..')
        .getAttribute('class'),
    ).toContain('future');
    expect(await page.getByRole('treeitem', { name: /^node/ }).locator('..').getAttribute('class')).not.toContain(
      'future',
    );
    await page.keyboard.press('End');
    expect(
      await page
        .getByRole('treeitem', { name: /^nc\.traditional/ })
        .locator('..')
        .getAttribute('class'),
    ).not.toContain('future');
    await close();
  });

  it('finds an incident by ctrl-k, and shows the keys by ?', async () => {
    const { page, close } = await visit(browser, app.address, '/');
    await page.getByText('opened a shell').first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('nc.traditional shell');
    await page.getByRole('option').first().waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/incidents/${incident}`);
    await close();
  });

  it('says what is wrong and what to do when there is nothing', async () => {
    const { page, close } = await visit(browser, app.address, `/incidents/${'0'.repeat(32)}`);
    await page.getByRole('alert').getByText('No incident:').waitFor();
    await expectAccessible(page);
    await close();
  });

  it('shows texts of attackers as text, in every place', async () => {
    const api = await startApi({ config: { pageFolder: fileURLToPath(new URL('../../dist/ui', import.meta.url)) } });
    const hostile = [
      ...HOSTILE.map(({ text }) => text),
      '<img src=x onerror=alert(1)>',
      '"><script>alert(1)</script>',
      'javascript:alert(1)',
    ];
    for (const [n, text] of hostile.entries()) {
      await commitAlert(
        api.store,
        makeAlert(n, { text }),
        makeIncident(0, { title: `nc ${text}`, alert_count: n + 1 }),
      );
    }
    for (const path of ['/', '/incidents', `/incidents/${makeIncident(0).id}`]) {
      const { page, complaints, close } = await visit(browser, api.url, path);
      page.on('dialog', () => complaints.push('a dialog'));
      await page.getByText('nc').first().waitFor();
      for (const summary of await page.locator('.alerts > li > details > summary').all()) await summary.click();
      expect(await page.locator('main img, main script, a[href^="javascript"]').count()).toBe(0);
      // biome-ignore lint/performance/useDomNodeTextContent: what is rendered is what counts.
      const shown = await page.locator('body').innerText();
      // Nothing that is not seen, or that turns what is seen around.
      expect(
        shown.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/),
      ).toBeNull();
      expect(complaints).toEqual([]);
      await close();
    }
    await api.close();
  });

  it('asks for a token where one is needed, and forgets it on the way out', async () => {
    const pageFolder = fileURLToPath(new URL('../../dist/ui', import.meta.url));
    const token = 'a-token-for-the-test-of-the-page';
    const api = await startApi({ config: { pageFolder, adminToken: () => token } });
    await commitAlert(api.store, makeAlert(1), makeIncident(0, { title: 'the first incident' }));
    const { page, close } = await visit(browser, api.url, '/incidents');
    await page.getByLabel('Token').fill('a-wrong-token-for-the-test');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('not valid').waitFor();
    await expectAccessible(page);
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByText('the first incident').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    expect(
      await page.evaluate(() => `${document.cookie}${JSON.stringify(localStorage)}${JSON.stringify(sessionStorage)}`),
    ).toBe('{}{}');
    await page.getByRole('button', { name: 'Sign out admin' }).click();
    await page.getByLabel('Token').waitFor();
    await close();
    await api.close();
  });

  it('comes back by itself after the server was away, with what is new', async () => {
    const pageFolder = fileURLToPath(new URL('../../dist/ui', import.meta.url));
    const first = await startApi({ config: { pageFolder } });
    await commitAlert(first.store, makeAlert(1), makeIncident(0, { title: 'the first incident' }));
    const port = Number(new URL(first.url).port);
    const { page, close } = await visit(browser, first.url, '/incidents');
    await page.getByText('the first incident').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    await commitAlert(first.store, makeAlert(2), makeIncident(1, { title: 'the second incident' }));
    await page.getByText('the second incident').waitFor();
    await first.close();
    await page.getByText('connection lost').waitFor();
    // What was read stays on the page.
    expect(await page.getByText('the first incident').count()).toBe(1);
    const second = await startApi({ config: { pageFolder, port } });
    await commitAlert(second.store, makeAlert(3), makeIncident(2, { title: 'the third incident' }));
    await page.getByText('the third incident').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    await close();
    await second.close();
  });
});
