/** What rules are, what they did and what they can do here, as the API tells it; and what it needs of the program for that. */
import { z } from 'zod';
import type { Alert } from '../alerts/alert.ts';
import type { Level } from '../rules/rule.ts';
import type { Scope } from './deps.ts';
import { levelSchema } from './schemas.ts';

type Verdict = 'true' | 'false' | 'unknown';

export interface WhyView {
  readonly alert: string;
  readonly rule: {
    readonly id: string;
    readonly title: string;
    readonly state: 'same' | 'changed' | 'gone' | 'built_in' | 'unknown';
  };
  readonly ties: readonly string[];
  readonly parts: readonly {
    readonly id: string;
    readonly role: 'rule' | 'branch' | 'step' | 'absent' | 'until';
    readonly kinds: readonly string[];
    readonly more: number;
    readonly events: readonly {
      readonly event: number;
      readonly kind: string;
      readonly time: string;
      readonly holds: boolean | null;
      readonly more: number;
      readonly conditions: readonly {
        readonly depth: number;
        readonly asks: string;
        readonly verdict: Verdict;
        readonly value: string | null;
      }[];
    }[];
  }[];
}

export const whySchema: z.ZodType<WhyView> = z
  .object({
    alert: z.string(),
    rule: z.object({
      id: z.string(),
      title: z.string(),
      state: z
        .enum(['same', 'changed', 'gone', 'built_in', 'unknown'])
        .describe(
          'of the rule that runs now: it is the one that fired; its content differs; none of that id runs; no rule file made the ' +
            'alert, its `risk` says why; or too little evidence is left to tell. All below is by the rule that runs now',
        ),
    }),
    ties: z.array(z.string()).describe('what ties the parts together, a sentence each'),
    parts: z.array(
      z.object({
        id: z.string().describe("of the step or branch; '' for a rule of one detection"),
        role: z.enum(['rule', 'branch', 'step', 'absent', 'until']),
        kinds: z.array(z.string()).describe('of events that can fill it'),
        more: z.number().describe('events that filled it beyond those told here'),
        events: z.array(
          z.object({
            event: z.number().describe('index into the alert’s evidence'),
            kind: z.string(),
            time: z.string(),
            holds: z
              .boolean()
              .nullable()
              .describe('whether all of it holds on what the alert keeps; null when the event cannot be read any more'),
            more: z.number().describe('conditions beyond those told here'),
            conditions: z
              .array(
                z.object({
                  depth: z.number().describe('below the whole condition, which has 0'),
                  asks: z.string(),
                  verdict: z.enum(['true', 'false', 'unknown']).describe('unknown: the field was not reported'),
                  value: z.string().nullable().describe('that met it; null when absent or when it joins others'),
                }),
              )
              .describe('a tree, in its order'),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Why', description: 'Each condition of a rule with the value that met it' });

export interface ExceptionView {
  readonly rule: { readonly id: string; readonly title: string; readonly file: string; readonly line: number };
  readonly reason: string;
  readonly exception: {
    readonly name: string;
    readonly conditions: readonly { readonly field: string; readonly comp: string; readonly value: string }[];
    readonly yaml: string;
  } | null;
  readonly proof: {
    readonly holds: boolean;
    readonly suppressed: boolean;
    readonly tests: readonly {
      readonly name: string;
      readonly fires: boolean;
      readonly before: boolean;
      readonly after: boolean;
      readonly problems: readonly string[];
    }[];
    readonly errors: readonly string[];
  } | null;
  readonly covers: { readonly alerts: number; readonly of: number; readonly more: boolean };
}

export const exceptionSchema: z.ZodType<ExceptionView> = z
  .object({
    rule: z.object({ id: z.string(), title: z.string(), file: z.string(), line: z.number() }),
    reason: z.string().describe("why none can be made; '' when one can"),
    exception: z
      .object({
        name: z.string(),
        conditions: z.array(z.object({ field: z.string(), comp: z.string(), value: z.string() })),
        yaml: z.string().describe('as it stands in the rule’s file'),
      })
      .nullable(),
    proof: z
      .object({
        holds: z.boolean().describe('the event is suppressed, and every test that passed still does'),
        suppressed: z.boolean().describe('the rule does not match the alert’s event any more'),
        tests: z.array(
          z.object({
            name: z.string(),
            fires: z.boolean().describe('it expects an alert'),
            before: z.boolean(),
            after: z.boolean(),
            problems: z.array(z.string()),
          }),
        ),
        errors: z.array(z.string()),
      })
      .nullable(),
    covers: z
      .object({
        alerts: z.number().describe('stored alerts of the rule that it would have kept from firing'),
        of: z.number().describe('so many were looked at, the newest'),
        more: z.boolean().describe('there are older ones'),
      })
      .describe('of what the caller may see'),
  })
  .meta({ id: 'ExceptionProposal', description: 'A narrow exception from one alert, with its proof' });

export interface CoverageView {
  readonly since: string | null;
  readonly tactics: readonly string[];
  readonly techniques: readonly { readonly id: string; readonly name: string; readonly tactics: readonly string[] }[];
  readonly rules: readonly {
    readonly id: string;
    readonly title: string;
    readonly level: Level;
    readonly techniques: readonly string[];
    readonly tactics: readonly string[];
    readonly missing: readonly string[] | null;
  }[];
}

export const coverageSchema: z.ZodType<CoverageView> = z
  .object({
    since: z
      .string()
      .nullable()
      .describe('since when it is looked what the sensors report; null where that is not told'),
    tactics: z.array(z.string()).describe('in the order of the matrix, as tags write them'),
    techniques: z
      .array(z.object({ id: z.string(), name: z.string(), tactics: z.array(z.string()) }))
      .describe(
        "of ATT&CK for Linux and containers; those of rules are all among them, with '' for a name that is not known",
      ),
    rules: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        level: levelSchema,
        techniques: z.array(z.string()).describe('`T1059.004`'),
        tactics: z.array(z.string()),
        missing: z
          .array(z.string())
          .nullable()
          .describe(
            'what it would need of the sensors and was not seen; [] when it can fire; null where that is not told',
          ),
      }),
    ),
  })
  .meta({ id: 'Coverage', description: 'Techniques that rules speak of, and which rules can fire here' });

export interface RuleFires {
  readonly rule: string;
  readonly alerts: number;
  /** Time of the newest, RFC 3339. */
  readonly last: string;
}

/** Alerts of one rule in one hour. */
export interface RuleHour {
  readonly rule: string;
  /** `2026-01-31T12`. */
  readonly hour: string;
  readonly alerts: number;
}

export interface RuleSource {
  /** Base name of its file. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface Rulebook {
  why(alert: Alert): WhyView;
  /** Runs the rule's tests twice, and looks at stored alerts of the rule. */
  exception(alert: Alert, scope: Scope): Promise<ExceptionView>;
  coverage(): CoverageView;
  /** A layer of the ATT&CK Navigator. `seen`: with what can fire here. */
  layer(seen: boolean): unknown;
  /** The document of a rule, as its author wrote it; null when there is no such rule, or its file is gone. */
  source(id: string): RuleSource | null;
}
