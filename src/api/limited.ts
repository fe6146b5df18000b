/**
 * What callers of some namespaces are told of the whole: that it runs, and which rules there are. No numbers, for they count what
 * happens in all namespaces. The schemas are lists of what may be told: parsing leaves out all else.
 */
import { z } from 'zod';
import type { Gap } from '../alerts/alert.ts';
import type { Scope } from './deps.ts';
import { levelSchema } from './schemas.ts';

export const limitedStatusSchema = z
  .object({
    version: z.string(),
    started: z.string(),
    sources: z.array(z.object({ name: z.string(), type: z.string(), state: z.string(), detail: z.string() })),
    watermark: z.string().nullable().describe('event time up to which all is processed'),
    rules: z.object({ loaded: z.number(), errors: z.number(), last_reload: z.string().nullable() }),
    store: z.object({ ok: z.boolean(), detail: z.string() }),
    ready: z.boolean(),
    unready: z.array(z.string()).describe('why it is not ready'),
  })
  .meta({
    id: 'LimitedStatus',
    description: 'For tokens that are limited to namespaces: nothing that counts all of them',
  });

/** That something went unseen is for everybody; how much is not. */
export const gapFor = (gap: Gap, scope: Scope): Gap => (scope === null ? gap : { ...gap, count: 0 });

/** What a rule is. */
export const ruleFields = {
  id: z.string(),
  title: z.string(),
  level: levelSchema,
  status: z.string(),
  description: z.string(),
  author: z.string(),
  tags: z.array(z.string()),
  references: z.array(z.string()),
  falsepositives: z.array(z.string()),
  runbook: z.string(),
  requires: z.array(z.string()).describe('sensor settings without which it cannot fire'),
  file: z.string(),
  line: z.number(),
  kind: z.enum(['event', 'sequence', 'count', 'first_seen', 'correlation']),
  error: z.string().describe("why it was switched off; '' while it works"),
};

export const limitedRuleSchema = z
  .object(ruleFields)
  .meta({ id: 'LimitedRule', description: 'For tokens that are limited to namespaces: without what it counted' });
