/** Rules, ATT&CK, why, exceptions, silences, webhooks and tokens in a real Chromium, over a program that played a break-in. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import type { App } from '../../src/app/app.ts';
import { startApp } from '../../src/commands/serve.ts';
import { configSchema } from '../../src/config/schema.ts';
import { commitAlert, makeAlert, startApi } from '../api/support.ts';
import { HOSTILE } from '../support/hostile.ts';
import { axeViolations, launch, MISSING, visit } from './browser.ts';

const RULE = 'Reverse shell by a network tool';

describe.skipIf(MISSING !== '')(`the pages of rules and administration${MISSING === '' ? '' : ` (${MISSING})`}`, () => {
  let browser: Browser;
  let app: App;
  let folder: string;
  let alert: Alert;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-administration-'));
    const config = configSchema.parse({
      sources: [
        {
          type: 'capture',
          name: 'recorded break-in',
          path: ['tetragon', 'hubble'].map(sensor => `captures/lateral-movement/${sensor}.jsonl.gz`),
          speed: 'max',
        },
      ],
      store: { path: join(folder, 'spoor.db') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
    });
    [browser, app] = await Promise.all([launch(), startApp(config)]);
    await app.run();
    const answer = await fetch(`${app.address}/api/v1/alerts?rule=${encodeURIComponent(RULE)}`);
    const { items } = (await answer.json()) as { items: Alert[] };
    alert = items[0] as Alert;
    expect(alert).toBeDefined();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const PAGES = [
    ['/rules', RULE],
    ['/rules?rule=RULE', 'What to do'],
    ['/rules?rule=no-such-rule', 'This rule does not run'],
    ['/attack', 'Escape to Host'],
    ['/attack?view=table&technique=T1059', 'Unix Shell'],
    ['/alerts/ALERT', 'network tool'],
    ['/silences?namespace=shop', 'None: everybody is told'],
    ['/webhooks', 'None yet'],
    ['/tokens', 'may do everything'],
  ] as const;

  it.each(PAGES)('shows %s without a complaint, light and dark, and on a phone', async (path, text) => {
    for (const options of [
      { colorScheme: 'light' },
      { colorScheme: 'dark' },
      { viewport: { width: 360, height: 740 } },
    ] as const) {
      const where = path.replace('RULE', alert.rule.id).replace('ALERT', alert.id);
      const { page, complaints, close } = await visit(browser, app.address, where, options);
      await page.getByText(new RegExp(text)).first().waitFor();
      expect(await axeViolations(page)).toEqual([]);
      expect(complaints).toEqual([]);
      if ('viewport' in options) {
        const [wanted, given] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
        expect(wanted, where).toBeLessThanOrEqual(given as number);
      }
      await close();
    }
  });

  it('answers at the address of every page of the table', async () => {
    const table = readFileSync('src/ui/pages.tsx', 'utf8');
    const paths = [...table.matchAll(/(?:href: '|path=")(\/[^'"]*)/g)].map(([, path]) => path as string);
    expect(paths.length).toBeGreaterThan(8);
    for (const path of paths) {
      const answer = await fetch(`${app.address}${path.replace(/\/\*\?$/, '').replace(/:\w+/g, 'x')}`);
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        200,
        'text/html; charset=utf-8',
      ]);
    }
  });

  it('leads from a rule to its alert, to why it fired and to a proved exception, by keyboard', async () => {
    const { page, complaints, close } = await visit(browser, app.address, '/');
    await page.getByText('opened a shell').first().waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill(RULE);
    await page.getByRole('option', { name: RULE }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/rules?rule=*');
    const detail = page.getByRole('region', { name: RULE });
    await detail.getByText('YAML', { exact: true }).focus();
    await page.keyboard.press('Enter');
    await detail.getByText('logsource:').waitFor();
    await detail.getByRole('list').getByRole('link').first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/alerts/*');
    await page.getByText('nc.traditional', { exact: true }).first().waitFor();
    expect(await page.getByText(/^met: $/).count()).toBeGreaterThan(3);
    await page.getByText('Make an exception').focus();
    await page.keyboard.press('Enter');
    await page.getByText(/Of 1 alert of this rule that is kept, it would have prevented/).waitFor();
    await page
      .getByText(/^(Proved: |The proof does not hold: )/)
      .first()
      .waitFor();
    expect(await axeViolations(page)).toEqual([]);
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).focus();
    await page.keyboard.press('Enter');
    expect(readFileSync(await (await saved).path(), 'utf8')).toMatch(/^exceptions:\n {2}- name: alert_/);
    expect(complaints).toEqual([]);
    await close();
  });

  it('opens on the break-in playing, says what it is, and leads to connecting a cluster', async () => {
    const { page, complaints, close } = await visit(browser, app.address, '/', { reducedMotion: 'no-preference' });
    await page.getByText('This is a recording (recorded break-in), played to its end.').waitFor();
    const pause = page.getByRole('button', { name: 'Pause' });
    await pause.waitFor();
    await pause.click();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    await page.getByRole('link', { name: 'How to connect a real cluster' }).click();
    await page.getByText('type: tetragon').waitFor();
    expect(complaints).toEqual([]);
    await close();
    const calm = await visit(browser, app.address, '/');
    await calm.page.getByRole('button', { name: 'Play' }).waitFor();
    await calm.close();
  });

  it('keeps a comment on an incident, and leads to a silence of its workload', async () => {
    const { page, complaints, close } = await visit(browser, app.address, `/incidents/${alert.incident_id}`);
    await page.getByLabel('Comment').fill('the owner <b>knows</b>');
    await page.getByRole('button', { name: 'Comment' }).click();
    await page.getByText('said: the owner <b>knows</b>').waitFor();
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByText('acknowledged it').waitFor();
    await page.getByRole('link', { name: 'Silence', exact: true }).click();
    await page.waitForURL('**/silences?namespace=tenant-jobs&workload=crawler');
    expect(await page.getByLabel('Workloads').inputValue()).toBe('crawler');
    expect(complaints).toEqual([]);
    await close();
  });

  it('names every page in the keys and in the finder, and opens it by them', async () => {
    const { page, close } = await visit(browser, app.address, '/rules');
    await page.getByText(RULE).first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('s Silences').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.waitForURL('**/silences');
    await page.getByText('More').or(page.locator('summary.here')).first().click();
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.waitForURL('**/tokens');
    await close();
  });

  it('sorts rules by what is in the address', async () => {
    const { page, close } = await visit(browser, app.address, '/rules');
    await page.getByRole('button', { name: 'Rule', exact: true }).click();
    await page.waitForURL('**/rules?order=title');
    const titles = await page.locator('.rule-table tbody tr td:nth-child(2) a').allTextContents();
    expect(titles).toEqual([...titles].sort((a, b) => (a < b ? -1 : 1)));
    await page.getByRole('button', { name: 'fired', exact: true }).click();
    await page.waitForURL('**only=fired*');
    expect(await page.locator('.rule-table tbody tr').count()).toBeLessThan(titles.length);
    await close();
  });

  it('downloads the layer of the Navigator, and shows the rules of a technique', async () => {
    const { page, close } = await visit(browser, app.address, '/attack');
    const saved = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download the Navigator layer' }).click();
    const layer = JSON.parse(readFileSync(await (await saved).path(), 'utf8')) as { domain: string };
    expect(layer.domain).toBe('enterprise-attack');
    await page
      .getByRole('link', { name: /Command and Scripting Interpreter/ })
      .first()
      .click();
    await page.getByRole('region', { name: /T1059/ }).getByRole('link', { name: RULE }).waitFor();
    await close();
  });

  it('makes a silence, says what is wrong beside its field, and ends it after asking', async () => {
    const { page, complaints, close } = await visit(browser, app.address, '/silences?workload=crawler');
    const make = page.getByRole('button', { name: 'Silence', exact: true });
    expect(await page.getByLabel('Workloads').inputValue()).toBe('crawler');
    await page.getByLabel('Tags').fill('x'.repeat(600));
    await page.getByLabel('Why nobody is to be told').fill('known scanner');
    await make.click();
    await page.locator('#main [aria-invalid]').waitFor();
    expect(await page.getByLabel('Tags').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Tags').fill('');
    await page.getByLabel('Pod labels').fill('app');
    await page.getByText('each line is a key=pattern').waitFor();
    expect(await make.isDisabled()).toBe(true);
    await page.getByLabel('Pod labels').fill('app=craw*\napp=scan*\ntier=jobs');
    await make.click();
    const row = page.getByRole('row', { name: /known scanner/ });
    await row.getByText('app=craw* or scan*, tier=jobs').waitFor();
    await row.getByRole('button', { name: 'End' }).click();
    await row.getByRole('button', { name: 'End the silence' }).click();
    await row.getByText('ended').waitFor();
    expect(complaints.filter(text => !text.includes('400'))).toEqual([]);
    await close();
  });

  it('adds a webhook with its secret shown once, tests, pauses and deletes it', async () => {
    const { page, close } = await visit(browser, app.address, '/webhooks');
    await page.getByText('New webhook').click();
    await page.getByLabel('URL').fill('http://127.0.0.1/hook');
    await page.getByRole('button', { name: 'Add it' }).click();
    await page.locator('#main [aria-invalid]').waitFor();
    await page.getByLabel('URL').fill('https://hooks.example.org/hook');
    await page.getByRole('button', { name: 'Add it' }).click();
    const secret = page.getByRole('textbox', { name: 'The signing secret' });
    await secret.waitFor();
    const value = await secret.inputValue();
    expect(value).toMatch(/^whsec_/);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await secret.waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(value);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Nothing is sent').waitFor();
    await page.getByRole('button', { name: 'New secret' }).click();
    await page.getByRole('button', { name: 'Make a new one' }).click();
    await page.getByRole('textbox', { name: 'The new signing secret' }).waitFor();
    await page.getByText('Its last deliveries').click();
    await page.getByText('Nothing was sent to it yet.').waitFor();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('None yet').waitFor();
    await close();
  });
});

describe.skipIf(MISSING !== '')('a server of its own', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  it('makes the first token, stays signed in with it, and shows its secret once', async () => {
    const api = await startApi({ config: { pageFolder: 'dist/ui' } });
    const { page, close } = await visit(browser, api.url, '/tokens');
    await page.getByText('New token').click();
    await page.getByLabel('Name', { exact: true }).fill('on call');
    await page.getByRole('button', { name: 'Make a token' }).click();
    const secret = page.getByRole('textbox', { name: 'The secret of on call' });
    await secret.waitFor();
    const value = await secret.inputValue();
    expect((await api.get('/api/v1/tokens')).status).toBe(401);
    expect((await api.get('/api/v1/tokens', { token: value })).status).toBe(200);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByRole('cell', { name: 'on call', exact: true }).waitFor();
    expect(await page.content()).not.toContain(value);
    // The last administrator is not revoked, and the page says why.
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('button', { name: 'Revoke it' }).click();
    await page
      .getByRole('alert')
      .getByText(/last token with the scope/)
      .waitFor();
    await close();
    // A token of one namespace reads, and is told what it may not.
    const { json } = await api.post(
      '/api/v1/tokens',
      { name: 'limited', scopes: ['read'], namespaces: ['shop'] },
      { token: value },
    );
    const limited = await visit(browser, api.url, '/tokens');
    await limited.page.getByLabel('Token').fill(json.secret as string);
    await limited.page.getByRole('button', { name: 'Sign in' }).click();
    await limited.page.getByText(/this needs a token with the scope "admin"/).waitFor();
    await limited.page.goto(`${api.url}/`);
    await limited.page.getByText('You have no webhook of your own').waitFor();
    expect(await axeViolations(limited.page)).toEqual([]);
    await limited.page.goto(`${api.url}/attack`);
    await limited.page.getByText('told to tokens of all namespaces alone').waitFor();
    await limited.page.goto(`${api.url}/silences`);
    await limited.page.getByText('New silence').click();
    await limited.page.getByLabel('Namespaces').fill('shop');
    await limited.page.getByLabel('Why nobody is to be told').fill('x');
    await limited.page.getByRole('button', { name: 'Silence', exact: true }).click();
    await limited.page
      .getByRole('alert')
      .getByText(/scope "write"/)
      .waitFor();
    await limited.close();
    await api.close();
  });

  it('shows hostile texts as what they are', async () => {
    const api = await startApi({ config: { pageFolder: 'dist/ui' } });
    const texts = [...HOSTILE.map(({ text }) => text), '<img src=x onerror=alert(1)>', '"><script>alert(1)</script>'];
    const alert = makeAlert(1, { text: texts.join(' '), incident: '' });
    await commitAlert(api.store, alert, null);
    const text = texts
      .join(' ')
      .replace(/[\ud800-\udfff]/g, '?')
      .slice(0, 900);
    const silence = await api.post('/api/v1/silences', {
      match: { workload: [text.slice(0, 500)] },
      until: new Date(Date.now() + 3_600_000).toISOString(),
      reason: text,
    });
    const webhook = await api.post('/api/v1/webhooks', { url: 'https://hooks.example.org/x', description: text });
    expect([silence.status, webhook.status]).toEqual([201, 201]);
    for (const path of ['/silences', '/webhooks', '/rules?rule=r1', `/alerts/${alert.id}`]) {
      const { page, complaints, close } = await visit(browser, api.url, path);
      page.on('dialog', () => complaints.push('a dialog'));
      await page.locator('main h1').first().waitFor({ state: 'attached' });
      await page.locator('main .loading').first().waitFor({ state: 'detached' });
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('main details')) details.setAttribute('open', '');
      });
      await page.locator('main .loading').first().waitFor({ state: 'detached' });
      expect(await page.locator('main img, main script, a[href^="javascript"]').count(), path).toBe(0);
      // biome-ignore lint/performance/useDomNodeTextContent: what is rendered is what counts.
      const shown = await page.locator('body').innerText();
      expect(
        shown.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/),
        path,
      ).toBeNull();
      // A rule of which the program has no file is no source.
      expect(
        complaints.filter(each => !each.includes('404')),
        path,
      ).toEqual([]);
      await close();
    }
    await api.close();
  });
});
