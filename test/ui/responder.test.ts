/** The questions of somebody who was woken, on the page of an incident in a real Chromium. */
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EngineStatus } from '../../src/api/deps.ts';
import { commitAlert, type Harness, makeAlert, makeIncident, STATUS, startApi } from '../api/support.ts';
import { axeViolations, launch, MISSING, visit } from './browser.ts';

const PHONE = { viewport: { width: 320, height: 800 } };

describe.skipIf(MISSING !== '')(`a responder${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let api: Harness;
  const incident = `/incidents/${makeIncident(0).id}`;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  let sources: EngineStatus['sources'];
  beforeEach(async () => {
    sources = [];
    api = await startApi({
      config: { pageFolder: fileURLToPath(new URL('../../dist/ui', import.meta.url)) },
      deps: { status: () => ({ ...STATUS, sources }) },
    });
  });
  afterEach(() => api.close());

  it('is told that nothing went unseen, where to look before and besides, and that nobody was told', async () => {
    await commitAlert(api.store, makeAlert(1), makeIncident(0));
    const { page, complaints, close } = await visit(browser, api.url, incident);
    const around = page.getByRole('region', { name: 'Around it' });
    await around.getByText('Nothing that is known').waitFor();
    await around.getByText('Nobody: nothing of it was sent').waitFor();
    const before = around.getByRole('link', { name: 'shop/web-1 just before' });
    const at = new URL((await before.getAttribute('href')) ?? '', api.url).searchParams.get('at') ?? '';
    expect(Date.parse(at)).toBe(Date.parse(makeIncident(0).first_seen) - 1);
    expect(await axeViolations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await around.getByRole('link', { name: 'its connections' }).click();
    await page.waitForURL('**/connections?namespace=shop&pod=web-1');
    await close();
  });

  it('is told what went unseen, and which sink gave up and why', async () => {
    const gap = {
      source: 'relay',
      node: 'node-1',
      from: makeAlert(0).time,
      to: makeAlert(1).time,
      count: 7,
      reason: 'ring buffer full <b>\u202e',
    };
    await commitAlert(api.store, { ...makeAlert(1), incomplete: true, gaps: [gap] }, makeIncident(0), 'pager');
    const leased = await api.store.outbox.lease('pager', 10, 60_000);
    await api.store.outbox.dead(
      leased.map(({ id }) => id),
      '400 Bad Request',
    );
    const { page, close } = await visit(browser, api.url, incident);
    const around = page.getByRole('region', { name: 'Around it' });
    await around.getByText(/Something went unseen while this happened: relay, .*ring buffer full <b>/).waitFor();
    await around.getByText(/pager 0 delivered, 1 dead letter: 400 Bad Request/).waitFor();
    await around.getByRole('link', { name: 'which' }).click();
    await page.getByRole('cell', { name: 'dead', exact: true }).waitFor();
    await close();
  });

  it('is told of losses of which no time is known', async () => {
    sources = STATUS.sources;
    await commitAlert(api.store, makeAlert(1), makeIncident(0));
    const { page, close } = await visit(browser, api.url, incident);
    await page.getByText('No gap is known in the time that the picture shows, but 4 events').waitFor();
    await close();
  });

  it('is led back from an address that there is not', async () => {
    const { page, close } = await visit(browser, api.url, '/incidens?level=high');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('main').getByRole('link', { name: 'Overview' }).click();
    await page.getByText('Open incidents').waitFor();
    await close();
    const html = { accept: 'text/html' };
    expect((await fetch(`${api.url}/incidens`, { headers: html })).status).toBe(404);
    const answer = await fetch(`${api.url}/api/v1/incidens`, { headers: html });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, expect.stringContaining('problem+json')]);
  });

  it('closes the finder by one press of escape, whatever was typed', async () => {
    const { page, close } = await visit(browser, api.url, '/incidents');
    await page.getByRole('heading', { name: 'Incidents' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('nc');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await close();
  });

  it('scrolls in one direction on a phone, and at 400 %', async () => {
    await commitAlert(api.store, makeAlert(1), makeIncident(0));
    for (const [path, text] of [
      [incident, 'Went unseen'],
      ['/events', 'Until'],
      ['/editor', 'Begin with'],
      ['/connections', 'Verdict'],
    ] as const) {
      const { page, close } = await visit(browser, api.url, path, PHONE);
      await page.getByText(text).first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBe(PHONE.viewport.width);
      await close();
    }
  });
});
