import { describe, expect, it } from 'vitest';
import { formatJunit, formatTap } from '../../src/rule-tests/format.ts';
import type { RuleTestResult } from '../../src/rule-tests/run.ts';

const result = (more: Partial<RuleTestResult>): RuleTestResult => ({
  rule: 'id',
  title: 'Reverse shell',
  test: 'fires',
  file: 'rules/a.yaml',
  line: 12,
  passed: true,
  problems: [],
  alerts: 1,
  ...more,
});
const failed = result({
  test: 'stays quiet # 1',
  passed: false,
  problems: ['expected 0 alerts, got 1', 'step "a" < b'],
});

describe('TAP', () => {
  it('has a line a test, and says what went wrong where', () => {
    expect(formatTap([result({}), failed])).toBe(
      [
        'TAP version 13',
        '1..2',
        'ok 1 - Reverse shell › fires',
        'not ok 2 - Reverse shell › stays quiet \\# 1',
        '  # at rules/a.yaml:12',
        '  # expected 0 alerts, got 1',
        '  # step "a" < b',
        '# 1 passed, 1 failed',
        '',
      ].join('\n'),
    );
  });

  it('keeps control characters and line breaks out', () => {
    const text = formatTap([result({ test: 'x\u001b[2J\nok 2 - forged', title: 'y' })]);
    expect(text).not.toContain('\u001b');
    expect(text.split('\n')).toHaveLength(5);
  });
});

describe('JUnit', () => {
  it('has a suite a file and escapes what it shows', () => {
    const text = formatJunit([result({}), failed, result({ file: 'rules/<b>.yaml' })]);
    expect(text).toContain('<testsuites tests="3" failures="1">');
    expect(text).toContain('<testsuite name="rules/a.yaml" tests="2" failures="1">');
    expect(text).toContain('<testsuite name="rules/&lt;b&gt;.yaml" tests="1" failures="0">');
    expect(text).toContain(
      'message="expected 0 alerts, got 1">expected 0 alerts, got 1&#10;step &quot;a&quot; &lt; b</failure>',
    );
  });

  it('holds no character that XML does not know', () => {
    const text = formatJunit([result({ test: 'a\u0000\u001bb\ud800c\ufffe', title: 'whole: \u{1f600}' })]);
    expect(text).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/u);
    expect(text).toContain('whole: \u{1f600}');
  });
});
