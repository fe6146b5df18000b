/** The made-up alert with which people try a sink. */
import { randomUUID } from 'node:crypto';
import type { Alert } from '../alerts/alert.ts';
import type { Delivery } from './sink.ts';

export function testDelivery(sink: string, nowMs: number): Delivery {
  const id = randomUUID();
  const time = new Date(nowMs).toISOString();
  const alert: Alert = {
    id,
    time,
    rule: {
      id: 'spoor.test',
      title: 'Test of a sink',
      level: 'informational',
      tags: [],
      author: 'Spoor',
      description: 'Nothing happened: somebody asked Spoor to prove that its messages arrive.',
      runbook: '',
      references: [],
    },
    incident_id: '',
    key: id,
    trees: [],
    first_seen: time,
    count: 1,
    last_seen: time,
    confidence: 'high',
    incomplete: false,
    gaps: [],
    cluster: '',
    node: 'spoor',
    pod: null,
    container: null,
    process: null,
    ancestors: [],
    flows: [],
    steps: {},
    evidence: [],
    message: `Spoor reaches the sink ${sink}. This is a test; nothing happened.`,
  };
  return { id, attempt: 1, signal: 'test', alerts: [alert], incident: null };
}
