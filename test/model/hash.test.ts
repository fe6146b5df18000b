import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digest } from '../../src/model/hash.ts';

const reference = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 32);

describe('digest', () => {
  it('is the head of SHA-256 at every padding boundary', () => {
    for (let n = 0; n <= 200; n++) expect(digest('x'.repeat(n))).toBe(reference('x'.repeat(n)));
  });

  it('is the head of SHA-256 for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => digest(text) === reference(text)));
  });
});
