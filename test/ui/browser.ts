/** A real Chromium for tests, and what it complains about. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PLACES = [
  process.env.SPOOR_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

const found = PLACES.find(path => path !== '' && existsSync(path));
const built = existsSync(fileURLToPath(new URL('../../dist/ui/index.html', import.meta.url)));

/** Why there is nothing to test with; '' when there is. */
export const MISSING = found === undefined ? 'no Chromium on this machine' : built ? '' : 'the page is not built';

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: found ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface Visit {
  readonly page: Page;
  /** Console errors and warnings, exceptions, violations of the policy, requests to other hosts. */
  readonly complaints: string[];
  close(): Promise<void>;
}

export async function visit(
  browser: Browser,
  url: string,
  path: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  page.on('request', request => {
    const address = request.url();
    if (!address.startsWith(url) && !address.startsWith('blob:') && !address.startsWith('data:'))
      complaints.push(`asks ${address}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', event =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  await page.goto(`${url}${path}`);
  return { page, complaints, close: () => context.close() };
}
