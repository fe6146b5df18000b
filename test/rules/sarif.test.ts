import { describe, expect, it } from 'vitest';
import { formatSarif } from '../../src/render/sarif.ts';
import { DIAGNOSTIC_CODES, type Diagnostic } from '../../src/rules/diagnostics.ts';

const finding = (more: Partial<Diagnostic>): Diagnostic => ({
  file: 'rules/a.yaml',
  line: 3,
  column: 5,
  code: 'unknown-field',
  severity: 'error',
  message: 'unknown field Imag',
  hint: 'did you mean Image?',
  ...more,
});

const log = (findings: readonly Diagnostic[]) => JSON.parse(formatSarif(findings)).runs[0];

describe('SARIF', () => {
  it('has every check as a rule, and points results at them', () => {
    const run = log([finding({}), finding({ code: 'missing-id', severity: 'warning', hint: '' })]);
    const { rules } = run.tool.driver;
    expect(rules.map((rule: { id: string }) => rule.id)).toEqual(Object.keys(DIAGNOSTIC_CODES));
    for (const result of run.results) expect(rules[result.ruleIndex].id).toBe(result.ruleId);
    for (const rule of rules) expect(rule.shortDescription.text).toMatch(/\S/);
  });

  it('has the place and the hint', () => {
    expect(log([finding({})]).results[0]).toMatchObject({
      level: 'error',
      message: { text: 'unknown field Imag (did you mean Image?)' },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'rules/a.yaml' },
            region: { startLine: 3, startColumn: 5 },
          },
        },
      ],
    });
  });

  it.each([
    ['./rules/a b#c.yaml', 'rules/a%20b%23c.yaml'],
    ['/srv/rules/ä.yaml', 'file:///srv/rules/%C3%A4.yaml'],
    ['C:\\rules\\a.yaml', 'file:///C:/rules/a.yaml'],
  ])('writes %s as an address', (file, uri) => {
    expect(log([finding({ file })]).results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(uri);
  });
});
