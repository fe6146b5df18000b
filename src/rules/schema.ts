/** Shapes of a rule's keys, checked by zod before anything is made of them. */
import { z } from 'zod';
import { TEST_EVENT_TYPES } from './rule-test.ts';

const TEXT_CHARS_MAX = 20_000;
const text = z.string().max(TEXT_CHARS_MAX);
const line = z.string().max(1_000);
const texts = z.array(text).max(1_000);
/** Sigma allows one text where a list is meant. */
const oneOrMore = z.union([texts, text.transform(value => [value])]);
const count = z.int().min(1).max(1_000_000);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;

export const metadataSchema = z.looseObject({
  title: z.string().min(1).max(256),
  id: z.string().optional(),
  status: z.enum(STATUSES).default('stable'),
  /** Checked by lint, which knows what was meant. */
  level: z.unknown().optional(),
  description: text.default(''),
  author: z.union([line, z.array(line).transform(names => names.join(', '))]).default(''),
  date: line.default(''),
  modified: line.default(''),
  references: oneOrMore.default([]),
  tags: z.array(line).max(200).default([]),
  falsepositives: oneOrMore.default([]),
  runbook: text.default(''),
  message: line.default(''),
  taxonomy: line.default('sigma'),
  requires: z.array(line).max(100).default([]),
  /** False: checked and tested, but not run. */
  enabled: z.boolean().default(true),
  risk: z.number().int().min(0).max(1_000).optional(),
});

/** Every key that a rule may have at its top. */
export const RULE_KEYS: readonly string[] = [
  ...Object.keys(metadataSchema.shape),
  'name',
  'license',
  'related',
  'fields',
  'logsource',
  'detection',
  'lists',
  'macros',
  'any',
  'sequence',
  'count',
  'first_seen',
  'exceptions',
  'tests',
  'scope',
];

const fieldNames = z.union([z.array(line).min(1).max(16), line.transform(name => [name])]);

export const countSchema = z.strictObject({
  gte: count,
  distinct: line.nullable().default(null),
  by: fieldNames.default([]),
  within: line,
  jitter: z.number().min(0).max(1).nullable().default(null),
});

export const firstSeenSchema = z.strictObject({
  fields: fieldNames,
  by: fieldNames.default([]),
  learn: line.default('24h'),
});

export const branchSchema = z.strictObject({ id: line, logsource: z.unknown().optional(), detection: z.unknown() });

export const stepSchema = z.strictObject({
  id: line,
  logsource: z.unknown().optional(),
  detection: z.unknown(),
  by: fieldNames.nullable().default(null),
  runs: count.default(1),
  absent: z.boolean().default(false),
  count: z
    .strictObject({ distinct: line.nullable().default(null), gte: count })
    .nullable()
    .default(null),
});

export const sequenceSchema = z.strictObject({
  by: z.union([z.enum(['process', 'process_tree', 'pod', 'node', 'connection']), z.array(line).min(1).max(16)]),
  within: line.optional(),
  fallback: z.enum(['pod']).nullable().default(null),
  steps: z.array(z.unknown()).min(1).max(32),
  until: z.strictObject({ logsource: z.unknown().optional(), detection: z.unknown() }).nullable().default(null),
});

export const exceptionSchema = z.strictObject({
  name: line,
  fields: fieldNames,
  comps: z.union([z.array(line), line.transform(name => [name])]).optional(),
  values: z.array(z.unknown()).min(1).max(10_000),
  expires: line.optional(),
});

const pattern = z.record(z.string(), scalar);
export const testSchema = z.strictObject({
  name: line,
  events: z
    .array(z.partialRecord(z.enum(TEST_EVENT_TYPES), z.unknown()))
    .max(10_000)
    .default([]),
  capture: z.union([z.array(line).min(1), line.transform(path => [path])]).default([]),
  expect: z.strictObject({
    alerts: z.union([z.int().min(0), z.array(pattern)]),
    attribution: z.enum(['socket', 'inferred', 'pod']).nullable().default(null),
    confidence: z.enum(['high', 'low']).nullable().default(null),
  }),
});
