/** Literals of regular expressions: true to what the expressions match, and worth having. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { regexOf } from '../../src/rules/regex.ts';
import { foldCase, regexLiterals } from '../../src/rules/regex-literals.ts';

const literalsOf = (source: string, flags = ''): readonly string[] | null =>
  regexLiterals(source, flags)?.literals.toSorted() ?? null;

/** Expressions over a small alphabet, so that random texts match them often. */
const expression = fc.letrec<{ e: string }>(tie => ({
  e: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    fc.constantFrom(
      'a',
      'b',
      'k',
      's',
      'S',
      'ab',
      'sk',
      '.',
      '\\.',
      '\\w',
      '\\s',
      '\\d',
      '^',
      '$',
      '\\b',
      '[ab]',
      '[^a]',
    ),
    fc.constantFrom(
      '[a-k]',
      '[]s]',
      '[^]s]',
      '[[:alpha:]]',
      '[\\]a]',
      '[S]',
      '\\-',
      '\\x61',
      '\\pL',
      '\\Qa.\\E',
      'ſ',
      'é',
      '',
      '-',
      '/',
    ),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `${a}|${b}`),
    fc
      .tuple(tie('e'), fc.constantFrom('?', '*', '+', '{0,2}', '{2}', '{1,}', '{,3}', '??', '+?', '*?'))
      .map(([a, q]) => `(?:${a})${q}`),
    fc
      .tuple(fc.constantFrom('a', 'b', 's', '\\.', '[ab]'), fc.constantFrom('?', '*', '+', '{2}', '{0}', '{,3}'))
      .map(([a, q]) => a + q),
    fc
      .tuple(fc.constantFrom('(?i)', '(?i:', '(?-i:', '(?s)', '(?P<n>', '(?<n>'), tie('e'))
      .map(([head, a]) => (/[:>]$/.test(head) ? `${head}${a})` : `${head}${a}`)),
  ),
})).e;

const text = fc
  .array(
    fc.constantFrom(
      'ab',
      'sk',
      'SS',
      'a',
      'b',
      'k',
      's',
      'A',
      'S',
      'K',
      '\u212a',
      'ſ',
      'İ',
      '.',
      ' ',
      '-',
      '/',
      ']',
      '1',
      'é',
      '\n',
      'x',
    ),
    {
      maxLength: 12,
    },
  )
  .map(list => list.join(''));

describe('literals of a regular expression', () => {
  it('occur in whatever it matches', () => {
    let decided = 0;
    fc.assert(
      fc.property(
        expression,
        fc.constantFrom('', 'i', 'm', 's'),
        fc.array(text, { minLength: 20, maxLength: 20 }),
        (source, flags, texts) => {
          const found = regexLiterals(source, flags);
          if (found === null) return;
          let regex: ReturnType<typeof regexOf>;
          try {
            regex = regexOf(source, flags);
          } catch {
            return;
          }
          for (const given of texts) {
            if (!regex.test(given)) continue;
            decided++;
            const searched = found.folded ? foldCase(given) : given;
            expect(found.literals.some(literal => searched.includes(literal))).toBe(true);
          }
        },
      ),
      { numRuns: 20_000 },
    );
    expect(decided).toBeGreaterThan(500);
  });

  it.each([
    ['/dev/(tcp|udp)/', ['/dev/tcp/', '/dev/udp/']],
    ['/etc/(shadow|gshadow)-?(\\s|"|;|$)', ['/etc/gshadow', '/etc/shadow']],
    ['(^|\\s)(-T|--upload-file)[\\s=]*\\S', ['--upload-file', '-T']],
    ['a(bc|de)+f', ['bc', 'de']],
    ['\\bs3(api)?\\s+(cp|mv)', ['s3']],
    ['(read|while).*(eval|\\$\\{?[a-z]+\\}?)', ['read', 'while']],
    ['x\\d{3}y', null],
    ['(abc)?', null],
    ['(abc|\\d)', null],
    ['abc\\x41', null],
    ['', null],
  ])('of %s', (source, literals) => {
    expect(literalsOf(source)).toEqual(literals);
  });

  it('are folded where case is ignored anywhere', () => {
    expect(regexLiterals('(?i)Exec:', '')).toEqual({ literals: ['exec:'], folded: true });
    expect(regexLiterals('Exec:', 'i')).toEqual({ literals: ['exec:'], folded: true });
    expect(regexLiterals('A(?i:bC)', '')).toEqual({ literals: ['abc'], folded: true });
    expect(regexLiterals('Exec:', '')).toEqual({ literals: ['Exec:'], folded: false });
  });
});
