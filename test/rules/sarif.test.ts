import { describe, expect, it } from 'vitest';
import { z } from 'zod';
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

const log = (findings: readonly Diagnostic[]) => JSON.parse(formatSarif(findings, '1.2.3')).runs[0];

describe('SARIF', () => {
  it('has every check as a rule, and points results at them', () => {
    const run = log([finding({}), finding({ code: 'missing-id', severity: 'warning', hint: '' })]);
    const { rules } = run.tool.driver;
    expect(rules.map((rule: { id: string }) => rule.id)).toEqual(Object.keys(DIAGNOSTIC_CODES));
    for (const result of run.results) expect(rules[result.ruleIndex].id).toBe(result.ruleId);
    for (const rule of rules) expect(rule.shortDescription.text).toMatch(/\S/);
  });

  it('has what code hosts ask for, in keys that SARIF has', () => {
    const text = z.strictObject({ text: z.string().min(1) });
    const run = z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          semanticVersion: z.literal('1.2.3'),
          rules: z.array(
            z.strictObject({
              id: z.string().max(255),
              shortDescription: text,
              fullDescription: text,
              help: z.strictObject({ text: z.string().min(1), markdown: z.string().min(1) }),
              defaultConfiguration: z.strictObject({ level: z.enum(['none', 'note', 'warning', 'error']) }),
            }),
          ),
        }),
      }),
      columnKind: z.literal('utf16CodeUnits'),
      invocations: z.tuple([
        z.strictObject({ executionSuccessful: z.literal(true), toolExecutionNotifications: z.array(z.never()) }),
      ]),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0),
          level: z.enum(['warning', 'error']),
          message: text,
          partialFingerprints: z.strictObject({ primaryLocationLineHash: z.string().regex(/^[0-9a-f]+:\d+$/) }),
          locations: z.tuple([
            z.strictObject({
              physicalLocation: z.strictObject({
                artifactLocation: z.strictObject({ uri: z.string() }),
                region: z.strictObject({ startLine: z.int().min(1), startColumn: z.int().min(1) }),
              }),
            }),
          ]),
        }),
      ),
    });
    const whole = z.strictObject({ $schema: z.url(), version: z.literal('2.1.0'), runs: z.tuple([run]) });
    whole.parse(JSON.parse(formatSarif([finding({}), finding({ code: 'missing-id', severity: 'warning' })], '1.2.3')));
  });

  it('knows a finding again when lines move, and tells equal ones apart', () => {
    const prints = (findings: readonly Diagnostic[]): string[] =>
      log(findings).results.map(
        (result: { partialFingerprints: { primaryLocationLineHash: string } }) =>
          result.partialFingerprints.primaryLocationLineHash,
      );
    const [first] = prints([finding({})]);
    expect(prints([finding({ line: 90 }), finding({ line: 91 })])[0]).toBe(first);
    expect(
      new Set(prints([finding({}), finding({}), finding({ file: 'b.yaml' }), finding({ message: 'm' })])).size,
    ).toBe(4);
  });

  it('has no more results than hosts take, errors first, and says how many are missing', () => {
    const warnings = Array.from({ length: 25_000 }, () => finding({ code: 'missing-id', severity: 'warning' }));
    const run = log([...warnings, finding({})]);
    expect(run.results).toHaveLength(25_000);
    expect(run.results[0].level).toBe('error');
    expect(run.invocations[0].toolExecutionNotifications[0].message.text).toContain('1 more');
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
