/** What can be asked of a case: the running program's events, or those of a replay, are read by the same routes. */
import type { ApiLimits } from '../config.ts';
import type { ApiDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { alertRoutes } from './alerts.ts';
import { incidentRoutes } from './incidents.ts';
import { liveRoutes } from './live.ts';

type CaseDeps = Pick<ApiDeps, 'store' | 'live' | 'recording' | 'rulebook'>;

/** Routes that answer JSON from what they are given alone, and change nothing. */
export function caseRoutes(deps: CaseDeps, limits: ApiLimits): Route[] {
  return [...alertRoutes(deps), ...incidentRoutes(deps, limits), ...liveRoutes(deps, limits)].filter(
    ({ method, answer }) => method === 'GET' && 'schema' in answer,
  );
}
