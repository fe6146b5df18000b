/** The events page, and a pod at a past time, in a real Chromium. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventView } from '../../src/api/event-view.ts';
import type { App } from '../../src/app/app.ts';
import { EventTail } from '../../src/app/event-tail.ts';
import { eventsPort } from '../../src/app/events.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';
import { Context } from '../../src/context/context.ts';
import { FlightRecorder } from '../../src/recorder/recorder.ts';
import { decodeLine, JsonDecoder } from '../../src/sources/json/decoder.ts';
import { startApi } from '../api/support.ts';
import { HOSTILE } from '../support/hostile.ts';
import { axeViolations, launch, MISSING, visit } from './browser.ts';

const CRAWLER = 'tenant-jobs/crawler-556db57cd7-tkvfd';
const pageFolder = fileURLToPath(new URL('../../dist/ui', import.meta.url));

describe.skipIf(MISSING !== '')(`the events page${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let app: App;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-events-page-'));
    const path = ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(file =>
      fileURLToPath(new URL(`../../captures/lateral-movement/${file}`, import.meta.url)),
    );
    const config = configSchema.parse({
      sources: [{ type: 'capture', name: 'recorded break-in', path, speed: 'max' }],
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    });
    [browser, app] = await Promise.all([launch(), startApp(config)]);
    await app.run();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows the past, light and dark, and keeps to the width of a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints, close } = await visit(browser, app.address, '/events', { colorScheme });
      await page.getByRole('row').nth(5).waitFor();
      expect(await axeViolations(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    }
    const { page, close } = await visit(browser, app.address, '/events', { viewport: { width: 360, height: 740 } });
    await page.getByRole('row').nth(5).waitFor();
    const [wanted, given] = await page.evaluate(
      () => [document.documentElement.scrollWidth, window.innerWidth] as const,
    );
    expect(wanted).toBeLessThanOrEqual(given);
    await close();
  });

  it('finds by a filter that is completed, by keyboard, and shows all of an event', { timeout: 60_000 }, async () => {
    const { page, complaints, close } = await visit(browser, app.address, '/events');
    await page.getByRole('row').nth(5).waitFor();
    const filter = page.getByLabel('Filter', { exact: true });
    await filter.fill('process.bin');
    await page.locator('datalist option[value="process.binary="]').waitFor({ state: 'attached' });
    await filter.fill('process.binary|endswith=/nc.traditional');
    await page.keyboard.press('Enter');
    await page.waitForURL('**filter=process.binary*');
    await page.getByRole('button', { name: 'Remove the filter process.binary|endswith=/nc.traditional' }).waitFor();
    await page.getByText('That is all that is recorded').waitFor();
    const rows = page.locator('.events-body [role=row]');
    expect(await rows.count()).toBeGreaterThan(0);
    for (const text of await rows.allInnerTexts()) expect(text).toContain('nc.traditional');

    await rows.first().getByRole('button').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary', { name: 'Event' });
    await details.getByText('process.exec_id', { exact: true }).waitFor();
    await details.getByText('As the sensor printed it').click();
    await details.locator('pre').getByText('"node_name"').first().waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await details.getByRole('link', { name: 'Reverse shell by a network tool' }).waitFor();
    const incident = details.getByRole('link', { name: /^The incident/ });
    expect(await incident.getAttribute('href')).toMatch(/^\/incidents\/\w+$/);
    await details.getByRole('button', { name: 'column process.uid' }).click();
    await page.getByRole('columnheader', { name: 'process.uid' }).waitFor();
    await details.getByRole('link', { name: 'All events of the process' }).click();
    await page.getByText('One process only').waitFor();
    // The columns that were chosen stay.
    await page.getByRole('columnheader', { name: 'process.uid' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('says what is wrong with a filter, and leads out of what finds nothing', async () => {
    const { page, close } = await visit(browser, app.address, '/events?filter=process.binry%3Dx');
    await page.getByRole('alert').getByText('did you mean process.binary').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.goto(`${app.address}/events?filter=process.binary%3Dno-such-thing`);
    await page.getByText('None matches').waitFor();
    await page.getByRole('button', { name: 'Without filters' }).click();
    await page.getByRole('row').nth(5).waitFor();
    await close();
  });

  it('shows a pod as it was', async () => {
    const answer = await fetch(`${app.address}/api/v1/events?pod=${CRAWLER}&kind=process_exec&limit=500`);
    const { items } = (await answer.json()) as { items: EventView[] };
    const first = items.findLast(({ process }) => process?.binary.endsWith('nc.traditional') === true);
    expect(first).toBeDefined();
    const before = new Date(Date.parse(first?.time ?? '') - 1_000).toISOString();
    const { page, complaints, close } = await visit(browser, app.address, `/pods/${CRAWLER}?at=${before}`);
    await page.getByText('As it was').first().waitFor();
    await page.getByRole('treeitem').first().waitFor();
    expect(await page.getByRole('treeitem', { name: /^nc\.traditional/ }).count()).toBe(0);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Now' }).click();
    await page
      .getByRole('treeitem', { name: /^nc\.traditional/ })
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('follows what happens, pauses, and shows texts of attackers as text', { timeout: 90_000 }, async () => {
    const path = mkdtempSync(join(folder, 'hostile-'));
    const recorder = await FlightRecorder.open({
      path,
      keep: 1e15,
      bytesMax: 1e9,
      decoder: () => new JsonDecoder(),
      isKnown: () => true,
      onProblem: () => undefined,
    });
    const tail = new EventTail(error => {
      throw error;
    });
    const events = eventsPort(recorder, tail);
    const api = await startApi({ config: { pageFolder }, deps: { events } });
    const texts = [
      ...HOSTILE.map(({ text }) => text),
      '<img src=x onerror=alert(1)>',
      '"><script>alert(1)</script>',
      'javascript:alert(1)',
    ];
    const hostile = texts.map((text, n) =>
      decodeLine(
        JSON.stringify({
          process_exec: {
            process: {
              exec_id: `id${n}`,
              pid: n + 1,
              binary: `/bin/${text}`,
              arguments: text,
              cwd: text,
              start_time: '2026-01-01T00:00:00Z',
              pod: { namespace: 'shop', name: 'web-1', container: { id: 'containerd://1', name: text } },
            },
          },
          node_name: text,
          time: '2026-01-01T00:00:00Z',
        }),
      ),
    );
    await recorder.append(hostile).safe;

    const { page, complaints, close } = await visit(browser, api.url, '/events?columns=pod+process+what+process.cwd');
    page.on('dialog', () => complaints.push('a dialog'));
    const expectNothingHidden = async (): Promise<void> => {
      expect(await page.locator('main img, main script, a[href^="javascript"]').count()).toBe(0);
      // biome-ignore lint/performance/useDomNodeTextContent: what is rendered is what counts.
      const shown = await page.locator('body').innerText();
      expect(
        shown.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/),
      ).toBeNull();
    };
    await page.getByRole('row').nth(5).waitFor();
    for (let n = 0; n < 12; n++) {
      await page.locator('.events-body [role=row] button').nth(n).click();
      const details = page.getByRole('complementary', { name: 'Event' });
      await details.getByText('As the sensor printed it').click();
      await expectNothingHidden();
      await details.getByRole('button', { name: 'Close the event' }).click();
    }

    await page.getByRole('button', { name: 'Follow what happens' }).click();
    await page.getByText('Nothing yet').waitFor();
    await page.getByRole('status').getByText('0 events').waitFor();
    const context = new Context();
    const tell = (): void => {
      for (const event of hostile.slice(0, 20)) tail.tell(context.observe(event));
    };
    tell();
    await page.getByRole('status').getByText('20 events').waitFor();
    await expectNothingHidden();
    await page.getByRole('button', { name: 'Pause' }).click();
    tell();
    await page.getByText('paused, 20 events wait').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('status').getByText('40 events').waitFor();
    expect(complaints).toEqual([]);
    await close();
    await api.close();
    await recorder.close();
  });
});
