/** Alerts with their evidence, as the marks of a picture need them. */
import type { Alert, Gap } from '../../alerts/alert.ts';
import type { ApiStore, Scope } from '../deps.ts';
import { gapFor } from '../limited.ts';
import { PICTURE_LIMITS } from './limits.ts';

/** @param alerts newest first. The oldest get their evidence: they tell how it began; the others keep what lists say of them. */
export async function withEvidence(
  store: Pick<ApiStore, 'alert'>,
  alerts: readonly Alert[],
  scope: Scope,
): Promise<Alert[]> {
  const oldestFirst = [...alerts].reverse();
  return Promise.all(
    oldestFirst.map(async (alert, at) =>
      at < PICTURE_LIMITS.alertsMax ? ((await store.alert(alert.id, scope)) ?? alert) : alert,
    ),
  );
}

export async function gapsFor(store: Pick<ApiStore, 'gaps'>, scope: Scope): Promise<readonly Gap[]> {
  const { items } = await store.gaps({ limit: PICTURE_LIMITS.gapsMax });
  return items.map(gap => gapFor(gap, scope));
}
