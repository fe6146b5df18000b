/** Leases → deliveries: one each, or one for all new alerts of a group that wait together. */
import { createHash } from 'node:crypto';
import type { Alert } from '../alerts/alert.ts';
import type { Lease } from './outbox.ts';
import type { Delivery } from './sink.ts';

export interface Batch {
  /** Of its leases, oldest first. */
  readonly ids: readonly number[];
  readonly incident_id: string;
  readonly delivery: Delivery;
}

/** In the order of their oldest lease. */
export function batchesOf(leases: readonly Lease[]): Batch[] {
  const batches = new Map<string, Lease[]>();
  for (const lease of leases) {
    const key = batchKey(lease);
    const members = batches.get(key);
    if (members === undefined) batches.set(key, [lease]);
    else members.push(lease);
  }
  return [...batches.values()].map(batchOf);
}

/**
 * Leases that were tried together stay together, and nothing new joins them, so that their idempotency key does not change: what
 * was tried together has the same number of attempts, and later ones of the incident wait until it is settled.
 */
function batchKey({ id, group, signal, attempts, message }: Lease): string {
  if (message !== null) return `message ${message.key}`;
  return group === '' || signal !== 'alert' ? `${id}` : `${attempts} ${group}`;
}

function batchOf(leases: readonly Lease[]): Batch {
  const last = leases[leases.length - 1] as Lease;
  return {
    ids: leases.map(({ id }) => id),
    incident_id: last.incident_id,
    delivery: {
      id: last.message?.key ?? (leases.length === 1 ? last.key : joinedKey(leases.map(({ key }) => key))),
      attempt: last.attempts + 1,
      signal: last.signal,
      alerts: leases.map(({ alert }) => alert).filter((alert): alert is Alert => alert !== null),
      incident: last.incident,
      body: last.message?.body,
    },
  };
}

function joinedKey(keys: readonly string[]): string {
  return createHash('sha256')
    .update([...keys].sort().join('\n'))
    .digest('hex')
    .slice(0, 32);
}
