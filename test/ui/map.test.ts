/** The service map in a real Chromium. */
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import { type Harness, startApi } from '../api/support.ts';
import { eventsOf, merged } from '../context/recordings.ts';
import { endpoint, execEvent, flowEvent, kprobeEvent, podFacts, processFacts, sockArg } from '../support/events.ts';
import { HOSTILE } from '../support/hostile.ts';
import { axeViolations, launch, MISSING, visit } from './browser.ts';

const pageFolder = fileURLToPath(new URL('../../dist/ui', import.meta.url));
const CRAWLER = /^tenant-jobs\/crawler, Deployment/;

function played(recording: string): Context {
  const context = new Context({ serviceMap: true });
  for (const event of merged(eventsOf('lateral-movement', 'tetragon'), eventsOf(recording, 'hubble')))
    context.observe(event);
  return context;
}

const serve = (context: Context): Promise<Harness> =>
  startApi({ deps: { live: context, serviceMap: context.serviceMap }, config: { pageFolder } });

describe.skipIf(MISSING !== '')(`the map page${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let api: Harness;
  const context = played('lateral-movement');
  beforeAll(async () => {
    [browser, api] = await Promise.all([launch(), serve(context)]);
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  it('shows who talks to whom without a complaint, light and dark, as a picture and as a table', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints, close } = await visit(browser, api.url, '/map', { colorScheme });
      await page.getByRole('button', { name: CRAWLER }).waitFor();
      expect(await axeViolations(page)).toEqual([]);
      await page.getByRole('button', { name: CRAWLER }).click();
      await page.getByRole('complementary', { name: 'Details' }).waitFor();
      expect(await axeViolations(page)).toEqual([]);
      await page.getByRole('button', { name: 'As a table' }).click();
      await page.getByRole('row', { name: /198\.51\.100\.66 TCP 4444 .* nc\.traditional/ }).waitFor();
      expect(page.url()).toContain('view=table');
      expect(await axeViolations(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    }
  });

  it('leads by keyboard from a workload over its line to the connections and the pod', async () => {
    const { page, complaints, close } = await visit(browser, api.url, '/map');
    const first = page.locator('.map-ground[tabindex="0"]');
    await first.waitFor();
    await first.focus();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
    for (let n = 0; n < 30 && !CRAWLER.test(await focused()); n++)
      await page.keyboard.press(
        ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'][Math.floor(n / 2) % 4] ?? 'ArrowUp',
      );
    expect(await focused()).toMatch(CRAWLER);
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary', { name: 'Details' });
    expect(await details.getByRole('link', { name: /^tenant-jobs\/crawler-/ }).getAttribute('href')).toMatch(
      /^\/pods\/tenant-jobs\/crawler-/,
    );
    await details.getByRole('button', { name: '198.51.100.66' }).first().press('Enter');
    await details.getByText('nc.traditional').waitFor();
    await details.getByRole('link', { name: 'Its connections' }).first().press('Enter');
    await page.waitForURL('**/connections?*port=4444*');
    await page
      .getByRole('row', { name: /198\.51\.100\.66/ })
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('keeps its filters in the address, and to the width of a phone', async () => {
    const phone = { viewport: { width: 360, height: 740 } };
    const { page, close } = await visit(browser, api.url, '/map?namespace=ops', phone);
    await page.getByRole('button', { name: /^ops\/backup/ }).waitFor();
    expect(await page.getByRole('button', { name: CRAWLER }).count()).toBe(0);
    const [wanted, given] = await page.evaluate(
      () => [document.documentElement.scrollWidth, window.innerWidth] as const,
    );
    expect(wanted).toBeLessThanOrEqual(given);
    await page.getByLabel('Namespace').selectOption('');
    await page.getByLabel('Text').fill('nc.trad');
    await page.getByRole('button', { name: CRAWLER }).waitFor();
    expect(page.url()).toContain('q=nc.trad');
    await page.getByLabel('Text').fill('nobody at all');
    await page.getByText('Nothing matches').waitFor();
    await close();
  });

  it('draws a drop red with a cross, and says so', async () => {
    const denied = await serve(played('variants/lateral-movement-denied'));
    const { page, close } = await visit(browser, denied.url, '/map?verdict=DROPPED');
    await page
      .getByRole('button', { name: /some dropped$/ })
      .first()
      .waitFor();
    expect(await page.locator('.map-drawing .edge.dropped .edge-cross').count()).toBeGreaterThan(0);
    await close();
    await denied.close();
  });

  it('leaves everything in its place when something new comes', async () => {
    const living = played('lateral-movement');
    const server = await serve(living);
    const { page, close } = await visit(browser, server.url, '/map');
    const crawler = page.getByRole('button', { name: CRAWLER });
    await crawler.waitFor();
    const place = () => crawler.evaluate(rect => [rect.getAttribute('x'), rect.getAttribute('y')]);
    const before = await place();
    living.observe({
      ...flowEvent('tcp 10.0.0.1:1000 > 10.0.0.2:80', { at: 0 }),
      time: living.serviceMap?.now ?? 0,
      sourceEndpoint: endpoint('late/comer'),
      destinationEndpoint: endpoint('late/server'),
    });
    await page.getByRole('button', { name: /^late\/comer/ }).waitFor();
    expect(await place()).toEqual(before);
    await close();
    await server.close();
  });

  it('shows texts of attackers as text', async () => {
    const hostile = new Context({ serviceMap: true });
    const texts = [...HOSTILE.map(({ text }) => text), '<img src=x onerror=alert(1)>', '"><script>alert(1)</script>'];
    for (const [n, text] of texts.entries()) {
      const process = processFacts(`p${n}`, { pid: n + 1, binary: `/x/${text}`, pod: podFacts('shop/web') });
      const tuple = `tcp 10.0.0.9:${2_000 + n} > 203.0.113.${n}:443`;
      hostile.observe(execEvent(process));
      hostile.observe(kprobeEvent(process, 'tcp_connect', [sockArg(tuple)], { at: n }));
      const workloads = [{ name: text, kind: text }];
      hostile.observe({
        ...flowEvent(tuple, { at: n, to: 'reserved:world', destinationNames: [`${n}${text}`] }),
        sourceEndpoint: { ...endpoint(`shop/web-${n}`), workloads },
      });
    }
    const server = await serve(hostile);
    for (const path of ['/map', '/map?view=table']) {
      const { page, complaints, close } = await visit(browser, server.url, path);
      page.on('dialog', () => complaints.push('a dialog'));
      await page.locator('.map-node, tbody tr').first().waitFor();
      for (const node of (await page.locator('.map-node').all()).slice(0, 3)) await node.click();
      expect(await page.locator('main img, main script, a[href^="javascript"]').count()).toBe(0);
      // biome-ignore lint/performance/useDomNodeTextContent: what is rendered is what counts.
      const shown = await page.locator('body').innerText();
      expect(
        shown.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/),
      ).toBeNull();
      expect(complaints).toEqual([]);
      await close();
    }
    await server.close();
  });
});
