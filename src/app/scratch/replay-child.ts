/** The helper in which a recording is played, and which then answers for it what the API answers for what is live. */
import { API_LIMITS } from '../../api/config.ts';
import { notFound } from '../../api/problem.ts';
import type { Route } from '../../api/route.ts';
import { caseRoutes } from '../../api/routes/case.ts';
import { createRulebook } from '../rulebook.ts';
import { Sensors } from '../sensors.ts';
import { answerParent, tell } from './child-side.ts';
import type { ReplayOrder, ReplayResult } from './order.ts';
import { openPlayback } from './play.ts';

const TELL_EVERY_MS = 200;

let routes: readonly Route[] = [];

async function play(order: ReplayOrder): Promise<ReplayResult> {
  const playback = await openPlayback(order);
  const { engine, store, rules, files } = playback;
  const told = setInterval(() => tell(playback.counts()), TELL_EVERY_MS);
  try {
    const result = await playback.run();
    const rulebook = createRulebook({ rules: () => rules, files: () => files, sensors: new Sensors(), store });
    routes = caseRoutes({ store, live: engine.context, recording: null, rulebook }, API_LIMITS);
    return result;
  } finally {
    clearInterval(told);
    tell(playback.counts());
  }
}

/** What the route of that name answers, as JSON. All namespaces: it is the asker's own recording. */
async function answer({ id, params, query }: { id: string; params: unknown; query: unknown }): Promise<string> {
  const route = routes.find(each => each.id === id);
  if (route === undefined) throw notFound('this part of a replay');
  const caller = { name: '', id: '', scopes: new Set<never>(), namespaces: null };
  // Routes of a case read nothing but these.
  return JSON.stringify(await route.handle({ params, query, caller } as never));
}

answerParent({ play, answer });
