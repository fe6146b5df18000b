/** An incident in the order in which it happened. */
import { z } from 'zod';
import type { Alert, AlertEvidence, Gap } from '../alerts/alert.ts';
import { gapIdentity } from '../model/gap.ts';
import { formatInstant, MICROS_PER_MS } from '../model/time.ts';
import type { AuditRecord } from './deps.ts';
import { recordProcesses, recordSummary } from './record.ts';
import { levelSchema } from './schemas.ts';

const time = z.string().describe('RFC 3339');

const entrySchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('event'),
    time,
    kind: z.string(),
    step: z.string(),
    exec_id: z.string().nullable(),
    summary: z.string(),
  }),
  z.object({
    type: z.literal('alert'),
    time,
    alert_id: z.string(),
    rule: z.string(),
    level: levelSchema,
    exec_id: z.string().nullable(),
    message: z.string(),
  }),
  z.object({ type: z.literal('action'), time, actor: z.string(), action: z.string(), reason: z.string() }),
  z.object({
    type: z.literal('gap'),
    time,
    to: z.string(),
    source: z.string(),
    node: z.string(),
    count: z.number(),
    reason: z.string(),
  }),
]);

export const timelineSchema = z.object({ items: z.array(entrySchema) }).meta({ id: 'Timeline' });

type Entry = z.infer<typeof entrySchema>;

function eventEntry({ kind, time, step, raw }: AlertEvidence): Entry {
  const execId = recordProcesses(raw)[0]?.process.exec_id ?? null;
  return { type: 'event', time, kind, step, exec_id: execId, summary: recordSummary(raw) };
}

function alertEntry({ id, time, rule, process, message }: Alert): Entry {
  const { title, level } = rule;
  return { type: 'alert', time, alert_id: id, rule: title, level, exec_id: process?.exec_id ?? null, message };
}

function gapEntry({ from, to, source, node, count, reason }: Gap): Entry {
  return { type: 'gap', time: from, to, source, node, count, reason };
}

/** The same gap is on every alert whose window it overlaps, each time as large as it was known to be then. */
export function distinctGaps(alerts: readonly Alert[]): Gap[] {
  const gaps = alerts
    .flatMap(alert => alert.gaps)
    .sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : a.count - b.count));
  return [...new Map(gaps.map(gap => [gapIdentity(gap), gap])).values()];
}

export function timeline(
  alerts: readonly Alert[],
  evidence: readonly AlertEvidence[],
  audit: readonly AuditRecord[],
): z.infer<typeof timelineSchema> {
  const items: Entry[] = [
    ...evidence.map(eventEntry),
    ...distinctGaps(alerts).map(gapEntry),
    ...alerts.map(alertEntry),
    ...audit.map(({ at, actor, action, detail }): Entry => {
      return { type: 'action', time: formatInstant(at * MICROS_PER_MS), actor, action, reason: detail };
    }),
  ];
  // Stable: at one instant events come before the alerts that they caused.
  items.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return { items };
}
