/** Rules that somebody writes: what is wrong with them, what their tests say, what could stand at the cursor. */
import { z } from 'zod';

/** JSON has to hold it within the body's limit. */
export const RULE_CHARS_MAX = 50_000;

export const checkSchema = z
  .object({
    diagnostics: z.array(
      z.object({
        line: z.number().describe('from 1'),
        column: z.number().describe('from 1'),
        code: z.string(),
        severity: z.enum(['error', 'warning']),
        message: z.string(),
        hint: z.string().describe("what to do, or ''"),
      }),
    ),
    tests: z.array(z.object({ rule: z.string(), name: z.string(), line: z.number() })).describe('that it holds'),
  })
  .meta({ id: 'RuleCheck', description: 'What `spoor rules lint` says' });

export type RuleCheckView = z.infer<typeof checkSchema>;

export const testResultsSchema = z
  .object({
    items: z.array(
      z.object({
        rule: z.string(),
        title: z.string(),
        test: z.string(),
        line: z.number(),
        passed: z.boolean(),
        problems: z.array(z.string()).describe('what is not as expected, and the events that came nearest'),
        alerts: z.number(),
      }),
    ),
  })
  .meta({ id: 'RuleTestResults' });

export type RuleTestView = z.infer<typeof testResultsSchema>['items'][number];

export const suggestionsSchema = z
  .object({
    start: z.number().describe('where the word begins in its line'),
    items: z.array(
      z.object({
        label: z.string(),
        kind: z.enum(['key', 'field', 'modifier', 'value', 'name']),
        detail: z.string(),
        insert: z.string(),
      }),
    ),
  })
  .meta({ id: 'RuleSuggestions' });

export type RuleSuggestions = z.infer<typeof suggestionsSchema>;

export const templatesSchema = z.object({
  items: z.array(z.object({ name: z.string(), description: z.string(), text: z.string() })),
});

export interface RuleLab {
  /** `rule`: id of the rule that the text is a new version of; its file's folder is where captures of tests are looked for. */
  check(text: string, rule: string | null): Promise<RuleCheckView>;
  test(text: string, rule: string | null): Promise<{ items: RuleTestView[] }>;
  /** `line` and `character` from 0. */
  complete(text: string, line: number, character: number): Promise<RuleSuggestions>;
  /** Markdown; '' where there is nothing to say. */
  hover(text: string, line: number, character: number): Promise<{ text: string }>;
  templates(author: string): z.infer<typeof templatesSchema>;
}
