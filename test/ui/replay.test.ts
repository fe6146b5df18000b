/** A recording dropped on the page, and the rule editor, in a real Chromium on the real program. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';
import { HOSTILE } from '../support/hostile.ts';
import { launch, MISSING, visit } from './browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const recording = (file: string): string =>
  fileURLToPath(new URL(`../../captures/lateral-movement/${file}`, import.meta.url));

const WAIT = { timeout: 20_000 };
/** A whole journey, on a machine that does other things too. */
const JOURNEY_MS_MAX = 120_000;

async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const result = await axe.run();
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 160)).join(' | ')}`);
  });
  expect(violations).toEqual([]);
}

/** Files from the disk, dropped in the middle of the page. */
async function drop(page: Page, files: readonly string[]): Promise<void> {
  const sent = files.map(file => ({
    name: file.split('/').at(-1) ?? '',
    base64: readFileSync(file).toString('base64'),
  }));
  const transfer = await page.evaluateHandle(list => {
    const data = new DataTransfer();
    for (const { name, base64 } of list)
      data.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], name));
    return data;
  }, sent);
  await page.dispatchEvent('main', 'dragover', { dataTransfer: transfer });
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
}

/** As from the clipboard. */
async function replaceAll(page: Page, text: string): Promise<void> {
  await page.keyboard.press('Control+a');
  await page.getByRole('textbox', { name: 'YAML of the rule' }).evaluate((element, pasted) => {
    const data = new DataTransfer();
    data.setData('text/plain', pasted);
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
}

/** Requests about replays that are not answered yet. */
function underWay(page: Page): () => number {
  let n = 0;
  const isOne = (url: string): boolean => url.includes('/api/v1/replays/');
  page.on('request', request => {
    if (isOne(request.url())) n += 1;
  });
  const over = (url: string): void => {
    if (isOne(url)) n -= 1;
  };
  page.on('requestfinished', request => over(request.url()));
  page.on('requestfailed', request => over(request.url()));
  return () => n;
}

describe.skipIf(MISSING !== '')(`what people bring${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let app: App;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-replay-page-'));
    const config = configSchema.parse({
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    });
    [browser, app] = await Promise.all([launch(), startApp(config)]);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'the recorded break-in opens from where nothing is watched yet',
    async () => {
      const { page, complaints, close } = await visit(browser, app.address, '/');
      await page.getByRole('button', { name: 'Play the recorded break-in' }).click();
      await page.waitForURL('**/replays/*');
      await page
        .getByRole('treeitem', { name: /^nc\.traditional 198\.51\.100\.66 4444/ })
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Delete it now' }).click();
      await page.waitForURL(`${app.address}/`);
      expect(complaints).toEqual([]);
      await close();
    },
    JOURNEY_MS_MAX,
  );

  it(
    'dropped anywhere opens as the picture, with its alerts, incidents and pods, and ends on demand',
    async () => {
      const { page, complaints, close } = await visit(browser, app.address, '/');
      const asked = underWay(page);
      await page.getByText('Nothing is being watched').waitFor();
      await drop(page, ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(recording));
      await page.waitForURL('**/replays/*');
      await page
        .getByRole('treeitem', { name: /^nc\.traditional 198\.51\.100\.66 4444/ })
        .first()
        .waitFor();
      await page.getByRole('heading', { name: 'What fired' }).waitFor();
      await expectAccessible(page);
      // The same pages, about the replay.
      await page
        .getByRole('link', { name: /opened a shell/ })
        .first()
        .click();
      await page.waitForURL('**/replays/*/incidents/*');
      await page.getByRole('heading', { name: 'In order' }).waitFor();
      expect(await page.getByRole('button', { name: 'Acknowledge' }).count()).toBe(0);
      await page.reload();
      await page.getByRole('heading', { name: 'In order' }).waitFor();
      await page.getByRole('link', { name: /^Replay of tetragon/ }).click();
      await page.getByRole('heading', { name: 'Pods' }).waitFor();
      await page.getByRole('link', { name: 'tenant-jobs/crawler-556db57cd7-tkvfd', exact: true }).first().click();
      await page.waitForURL('**/replays/*/pods/**');
      await page.getByRole('treeitem').first().waitFor();
      await page.getByRole('link', { name: /^Replay of tetragon/ }).click();
      await page.getByRole('heading', { name: 'What fired' }).waitFor();
      await page.getByRole('treeitem').first().waitFor();
      // What is asked of a replay that goes is answered 404.
      await expect.poll(asked, WAIT).toBe(0);
      // Nothing of it is live.
      const live = await (await fetch(`${app.address}/api/v1/incidents`)).json();
      expect(live).toMatchObject({ items: [] });
      await page.getByRole('button', { name: 'Delete it now' }).click();
      await page.waitForURL(`${app.address}/`);
      expect(await (await fetch(`${app.address}/api/v1/replays`)).json()).toEqual({ items: [] });
      expect(complaints).toEqual([]);
      await close();
    },
    JOURNEY_MS_MAX,
  );

  it(
    'chosen by keyboard, with hostile text in every line, shows text alone',
    async () => {
      const lines = gunzipSync(readFileSync(recording('tetragon.jsonl.gz')))
        .toString()
        .split('\n')
        .filter(Boolean);
      const hostile = HOSTILE.map(({ text }) => text.slice(0, 2_000));
      const changed = lines.map((line, at) => {
        const record = JSON.parse(line) as { process_exec?: { process?: { arguments?: string } } };
        const process = record.process_exec?.process;
        if (process !== undefined) process.arguments = `${process.arguments ?? ''} ${hostile[at % hostile.length]}`;
        return JSON.stringify(record);
      });
      const name = '<img src=x onerror=alert(1)>.jsonl';
      const file = join(folder, name);
      writeFileSync(file, [...changed, ...hostile.map(text => text.replaceAll('\n', ' '))].join('\n'));
      const { page, complaints, close } = await visit(browser, app.address, '/replays');
      const button = page.getByRole('button', { name: 'Open a recording' });
      await button.focus();
      const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')]);
      await chooser.setFiles(file);
      await page.waitForURL('**/replays/*');
      await page.getByText(/lines could not be read/).click();
      await page
        .getByText(`${name}:${lines.length + 2}`)
        .first()
        .waitFor();
      await page.getByRole('treeitem').first().waitFor();
      await expectAccessible(page);
      expect(await page.locator('main img, main script, main iframe').count()).toBe(0);
      // Its incidents do not say that nothing went unseen.
      await page.locator('.incident-list a').first().click();
      await page.getByText(/of this recording could not be read or were lost/).waitFor();
      await expectAccessible(page);
      expect(complaints).toEqual([]);
      await close();
    },
    JOURNEY_MS_MAX,
  );

  it('can be called off on its way, and says what went wrong', async () => {
    const { page, close } = await visit(browser, app.address, '/replays');
    let isHeld = true;
    await page.route('**/files?*', async route => {
      while (isHeld) await new Promise(resolve => setTimeout(resolve, 20));
      await route.abort().catch(() => {});
    });
    await drop(page, [recording('hubble.jsonl.gz')]);
    const dialog = page.getByRole('dialog', { name: 'Sending recordings' });
    await dialog.getByText('of', { exact: false }).first().waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    isHeld = false;
    const kept = async () =>
      ((await (await fetch(`${app.address}/api/v1/replays`)).json()) as { items: { input: string }[] }).items
        .map(({ input }) => input)
        .filter(input => ['hubble.jsonl.gz', 'empty.jsonl', ''].includes(input));
    await expect.poll(kept).toEqual([]);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await drop(page, [fileOf('empty.jsonl', '')]);
    await dialog.getByRole('alert').getByText('Not sent: the file is empty').waitFor();
    expect(await kept()).toEqual([]);
    await expectAccessible(page);
    await close();
  });

  const fileOf = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it(
    'a rule is written with lint, completion, tests and a try, by keyboard',
    async () => {
      const { page, complaints, close } = await visit(browser, app.address, '/editor?template=process');
      const editor = page.getByRole('textbox', { name: 'YAML of the rule' });
      await editor.waitFor();
      await page.getByText('Nothing to complain of.').waitFor();
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Run its tests' }).click();
      await expect.poll(() => page.getByText('passed', { exact: true }).count(), WAIT).toBe(2);

      // A wrong field, as it is typed.
      await editor.click();
      const text = (await (await fetch(`${app.address}/api/v1/rules/templates`)).json()) as {
        items: { text: string }[];
      };
      const rule = text.items[0]?.text ?? '';
      await replaceAll(page, rule.replace('process.name: [nmap', 'process.nmae: [nmap'));
      await page.getByText('unknown-field').first().waitFor();
      await page.getByText('process.name', { exact: false }).first().waitFor();
      await page.keyboard.press('Control+Home');
      await page.keyboard.press('Enter');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.type('logso');
      await page.keyboard.press('Control+Space');
      await page.getByRole('option', { name: /logsource/ }).waitFor();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await expect.poll(() => page.evaluate(() => document.activeElement?.textContent), WAIT).toBe('Download');

      await editor.click();
      await replaceAll(page, rule.replace('[nmap', '[nc.traditional'));
      await page.getByLabel('Try it on').selectOption('recording lateral-movement');
      await page.getByRole('button', { name: 'Try it' }).click();
      await page.getByText(/It fires: \d+ alert/).waitFor();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'As a picture' }).click();
      await page.waitForURL('**/replays/*');
      await page.getByRole('treeitem').first().waitFor();
      expect(complaints).toEqual([]);
      await close();
    },
    JOURNEY_MS_MAX,
  );

  it(
    'opens a rule that runs, with its file, and keeps to the width of a phone',
    async () => {
      const { items } = (await (await fetch(`${app.address}/api/v1/rules`)).json()) as {
        items: { id: string; title: string }[];
      };
      const rule = items.find(({ title }) => title === 'Reverse shell by a network tool');
      const { page, complaints, close } = await visit(browser, app.address, `/editor?rule=${rule?.id}`, {
        viewport: { width: 360, height: 740 },
      });
      await page.getByText('Nothing here changes that file').waitFor();
      await page.getByText('Nothing to complain of.').waitFor();
      await page.getByRole('textbox', { name: 'YAML of the rule' }).getByText('Reverse shell').first().waitFor();
      const saved = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download' }).click();
      expect(readFileSync(await (await saved).path(), 'utf8')).toContain('title: Reverse shell by a network tool');
      await page.getByRole('button', { name: 'Run its tests' }).click();
      await page.getByText('passed', { exact: true }).first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
        0,
      );
      await expectAccessible(page);
      expect(complaints).toEqual([]);
      await close();
    },
    JOURNEY_MS_MAX,
  );
});
