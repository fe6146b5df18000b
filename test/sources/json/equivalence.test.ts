/** The fast path and the slow path give the same events: over every recording, and over lines that were tampered with. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/model/event.ts';
import { JsonDecoder, Malformed } from '../../../src/sources/json/decoder.ts';
import { captureFiles, captureLines, hasSamples, sampleLines } from './lines-of.ts';

/** An event as plain data, with its raw line. */
function plain(result: Event | Malformed | null): unknown {
  if (result === null || result instanceof Malformed) return result;
  return { ...result, raw: result.raw.line() };
}

class Pair {
  readonly fast = new JsonDecoder();
  readonly slow = new JsonDecoder({ fast: false });

  /** Decodes one line in both ways, in the middle of a larger buffer. */
  both(line: string): [unknown, unknown] {
    const text = Buffer.from(line);
    const bytes = Buffer.concat([Buffer.from('x\n'), text, Buffer.from('\n{"process_exec":')]);
    const end = 2 + text.length;
    return [plain(this.fast.decode(bytes, 2, end)), plain(this.slow.decode(bytes, 2, end))];
  }
}

function agree(lines: readonly string[]): Pair {
  const pair = new Pair();
  for (const line of lines) {
    const [fast, slow] = pair.both(line);
    // Comparing text first: deep comparison of every event would take minutes.
    if (JSON.stringify(fast) !== JSON.stringify(slow)) expect(fast).toEqual(slow);
  }
  return pair;
}

describe('both paths agree', () => {
  for (const file of captureFiles()) {
    it(file, () => {
      const lines = captureLines(file);
      const pair = agree(lines);
      expect(pair.fast.fastEvents).toBeGreaterThan(lines.length * 0.9);
      expect(pair.slow.fastEvents).toBe(0);
    });
  }

  it.skipIf(!hasSamples)('public samples', () => void agree(sampleLines()));
});

/** Ways in which a line is changed; some leave it valid JSON, some do not. */
type Change = (line: string, at: number, pick: number) => string;

const CHANGES: Readonly<Record<string, Change>> = {
  'cut a byte': (line, at) => line.slice(0, at) + line.slice(at + 1),
  'double a byte': (line, at) => line.slice(0, at) + line[at] + line.slice(at),
  'other digit': (line, at, pick) => replaceNear(line, at, /\d/, String(pick % 10)),
  'leading zero': (line, at) => replaceNear(line, at, /:\d/, ':00'),
  'other letter': (line, at) => replaceNear(line, at, /[a-z]/, 'é'),
  escape: (line, at) => replaceNear(line, at, /[a-z]/, '\\u0061'),
  'escaped quote': (line, at) => replaceNear(line, at, /[a-z]/, '\\"'),
  'space after comma': (line, at) => replaceNear(line, at, /,"/, ', "'),
  null: (line, at) => replaceNear(line, at, /:"[^"]*"/, ':null'),
  'empty string': (line, at) => replaceNear(line, at, /:"[^"]*"/, ':""'),
  'string for number': (line, at) => replaceNear(line, at, /:\d+(?=[,}])/, ':"7"'),
  'unknown key': (line, at) => replaceNear(line, at, /,"/, ',"new_key":{"a":[1,"}"]},"'),
  'key twice': (line, at) => replaceNear(line, at, /,"([a-z_A-Z]+)":/, ',"$1":"again","$1":'),
  'nested brace text': (line, at) => replaceNear(line, at, /:"/, ':"},\\"parent\\":{\\"exec_id\\":\\"'),
  'refcnt added': (line, at, pick) => replaceNear(line, at, /,"tid"/, `,"refcnt":${pick},"tid"`),
  'refcnt changed': line => line.replace(/"refcnt":\d+/, '"refcnt":77'),
  'refcnt removed': line => line.replace(/,"refcnt":\d+/, ''),
  'tid changed': (line, _, pick) => line.replace(/"tid":\d+/, `"tid":${pick}`),
  'container pid changed': (line, _, pick) => line.replace(/,"pid":\d+/g, `,"pid":${pick}`),
  'time without fraction': line => line.replace(/(T\d\d:\d\d:\d\d)\.\d+Z"/g, '$1Z"'),
  'time with three digits': line => line.replace(/(T\d\d:\d\d:\d\d\.\d\d\d)\d+Z"/g, '$1Z"'),
  'time zone': line => line.replace(/Z",/, '+01:00",'),
  'no node name': line => line.replace(/,"node_name":"[^"]*"/g, ''),
  'other node': line => line.replace(/"node_name":"[^"]*"/g, '"node_name":"c/other"'),
  'parent missing': line => line.replace('"parent"', '"parent_gone"'),
  'ancestors empty': line => line.replace(/"ancestors":\[.*\]/, '"ancestors":[]'),
  'ports swapped': line => line.replace('"source_port"', '"sport"'),
  'layer 7 elsewhere': line => line.replace(',"l7":', ',"l8":'),
  'type L7': line => line.replace('"Type":"L3_L4"', '"Type":"L7"'),
  backslash: (line, at) => `${line.slice(0, at)}\\${line.slice(at)}`,
  NUL: (line, at) => replaceNear(line, at, /[a-z]/, '\\u0000'),
};

function replaceNear(line: string, at: number, pattern: RegExp, replacement: string): string {
  const head = line.slice(0, at);
  return head + line.slice(at).replace(pattern, replacement);
}

/** Every event twice as one object with its keys in another order. */
function shuffled(line: string): string {
  const turn = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turn);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, turn(inner)]),
    );
  };
  return JSON.stringify(turn(JSON.parse(line)));
}

describe('both paths agree on lines that were changed', () => {
  const pool = [
    ...captureLines('lateral-movement/tetragon.jsonl.gz'),
    ...captureLines('lateral-movement/hubble.jsonl.gz'),
    ...captureLines('variants/chart-defaults/lateral-movement/tetragon.jsonl.gz'),
  ];
  const names = Object.keys(CHANGES);
  const step = fc.record({
    line: fc.nat(pool.length - 1),
    change: fc.constantFrom(...names),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    pick: fc.nat(5_000_000),
  });

  it('any change, among lines that warmed the caches', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), steps => {
        const pair = new Pair();
        for (const { line, change, at, pick } of steps) {
          const original = pool[line] as string;
          const changed = (CHANGES[change] as Change)(original, Math.floor(at * original.length), pick);
          for (const text of [original, changed, original, changed]) {
            const [fast, slow] = pair.both(text);
            expect(fast).toEqual(slow);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keys in another order', () => {
    agree(pool.slice(0, 60).flatMap(line => [line, shuffled(line), line]));
  });
});
