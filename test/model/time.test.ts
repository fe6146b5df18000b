/** Instants as texts, and back. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatInstant, parseInstant } from '../../src/model/time.ts';

const micros = fc.integer({ min: -62_000_000_000_000_000 / 8, max: 8_000_000_000_000_000 });
const ns = fc.nat(999);

it('formats as the calendar says, whatever was formatted before', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(micros, ns), { minLength: 1, maxLength: 20 }), times => {
      // Each second again after all the others, and one that takes its place in what is remembered.
      for (const [time, nanos] of [...times, ...times.map(([t, n]) => [t + 64_000_000, n] as const), ...times]) {
        const text = formatInstant(time, nanos);
        const ms = Math.floor(time / 1_000);
        expect(text.slice(0, 23)).toBe(new Date(ms).toISOString().slice(0, 23));
        expect(text.slice(23)).toBe(`${String(time - ms * 1_000).padStart(3, '0')}${String(nanos).padStart(3, '0')}Z`);
        expect(parseInstant(text)).toEqual({ time, ns: nanos });
      }
    }),
    { numRuns: 300 },
  );
});
