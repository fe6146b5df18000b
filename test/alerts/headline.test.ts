/** Headlines stay short and readable, whatever attackers put into them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlertChange } from '../../src/alerts/alert.ts';
import { Alerting } from '../../src/alerts/alerting.ts';
import { cut } from '../../src/alerts/text.ts';
import { exec, makeProcess, rule } from '../support/observations.ts';
import { finding } from './findings.ts';

/** The headline after alerts with these messages, one a process. */
function headline(messages: readonly string[], pod = 'shop/web'): string {
  const alerting = new Alerting();
  const main = makeProcess('main', { pod });
  let last: AlertChange | undefined;
  for (const [i, message] of messages.entries()) {
    const process = makeProcess(`p${i}`, { parent: main });
    last = alerting.accept(finding(rule({ id: `r${i}`, level: 'high', message }), [exec(i, 'x', process)]), [])[0];
  }
  return last!.incident!.title;
}

const parts = (title: string): string[] => title.split(', then ');

describe('a headline', () => {
  it('leaves out arguments where there is no room for them', () => {
    const message = `curl in shop/web sent data to bucket.example: ${'-x '.repeat(80)}`;
    expect(headline([message])).toBe('curl in shop/web sent data to bucket.example');
    expect(headline(['curl in shop/web sent data to bucket.example: -T /etc/shadow'])).toBe(
      'curl in shop/web sent data to bucket.example: -T /etc/shadow',
    );
  });

  it('ends at a word, also where a command line has no phrase before it, and still says where', () => {
    const message = `sh: ${'cat /var/run/secrets/kubernetes.io/serviceaccount/token '.repeat(9)}`;
    expect(headline([message])).toBe('sh: cat /var/run/secrets/kubernetes.io/serviceaccount/token cat … in shop/web');
  });

  it('tells what happened where the message names its pod first', () => {
    const pod = 'tenant-jobs/crawler-556db57cd7-tkvfd';
    const message = `${pod}: tar -c /srv, then curl ${'-T /tmp/loot '.repeat(9)}`;
    expect(headline([`nc ran in ${pod}`, message], pod)).toMatch(
      /^nc ran in tenant-jobs\/crawler-556db57cd7-tkvfd, then tar -c \/srv, then curl -T \/tmp\/loot .*…$/,
    );
    expect(headline([message], pod)).toMatch(
      /^tar -c \/srv, then curl -T .*… in tenant-jobs\/crawler-556db57cd7-tkvfd$/,
    );
  });

  it('does not take a pod for another whose name goes on', () => {
    expect(headline(['sh ran in shop/web', 'nc reached a shell in shop/web-2'])).toBe(
      'sh ran in shop/web, then nc reached a shell in shop/web-2',
    );
    expect(headline(['sh ran in shop/web', 'nc ran in shop/web.'])).toBe('sh ran in shop/web, then nc ran');
  });

  it('does without the pod where its name leaves no room for what happened', () => {
    const title = headline([`${'word '.repeat(60)}end`], `shop/${'w'.repeat(200)}`);
    expect(title).toMatch(/^(word )+…$/);
  });

  it('splits no escape and no character of a word that is too long by itself', () => {
    for (const [unit, whole] of [
      ['😀', /^(😀)+…/u],
      ['\\x1b', /^(\\x1b)+…/],
      ['\\u202e', /^(\\u202e)+…/],
      ['\\u{1f600}', /^(\\u\{1f600\})+…/],
      ['%2F', /^(%2F)+…/],
      ['\\033', /^(\\033)+…/],
      ['\\n', /^(\\n)+…/],
    ] as const) {
      for (let before = 0; before < unit.length; before++)
        expect(cut(`${'a'.repeat(before)}${unit.repeat(300)}`, 100).replace(/^a+/, '')).toMatch(whole);
      // Braces are placeholders in messages.
      if (!unit.includes('{')) expect(headline([unit.repeat(300)])).toMatch(whole);
    }
  });

  it('has parts of at most a hundred characters that hold whole words only', () => {
    const word = fc.oneof(
      fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).map(text => text.replace(/[\s{}]/gu, '_')),
      fc.constantFrom('\\x1b[31m', '-c', 'a:', 'in', 'shop/web', '(4711)', '%2Fetc', '…'),
    );
    const messages = fc.array(fc.array(word, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(messages, all => {
        const title = headline(all.map(words => `did ${words.join(' ')}`));
        const known = new Set(['…', 'did', 'in', 'shop/web', ...all.flat()]);
        for (const part of parts(title)) {
          expect(part.length).toBeLessThanOrEqual(100);
          for (const each of part.split(' ')) {
            const isWhole = known.has(each) || [...known].some(w => w === `${each}.` || w === `${each}:`);
            expect(isWhole, JSON.stringify({ each, title })).toBe(true);
          }
        }
      }),
    );
  });
});

describe('text that is cut', () => {
  it('is a beginning of what it was, and no longer than it may be', () => {
    const text = fc.string({
      unit: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\\x41', '\\', '%', 'u')),
      maxLength: 80,
    });
    fc.assert(
      fc.property(text, fc.integer({ min: 12, max: 60 }), (whole, max) => {
        const short = cut(whole, max);
        expect(short.length).toBeLessThanOrEqual(max);
        if (whole.length <= max) expect(short).toBe(whole);
        else expect(short.endsWith('…') && whole.startsWith(short.slice(0, -1))).toBe(true);
        if (whole.length > max) expect(short.length).toBeGreaterThanOrEqual(max - 10);
      }),
    );
  });
});
