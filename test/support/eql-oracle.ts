/**
 * Sequences, naively: for every event that can end one, look back through all that came before. Quadratic and plain, to hold the state
 * machines to. Knows steps, runs, absent steps in the middle, until and the span; one key a list.
 *
 * "The newest overwriting" means: of the partials that wait at a stage only the last one to get there counts. The naive reading
 * of that is a table of stage × event: `best[s]` after event i is the chain that waits at stage s.
 */
export interface OracleEvent {
  readonly time: number;
  readonly name: string;
}

export interface OracleStep {
  readonly names: readonly string[];
  readonly runs: number;
  readonly absent: boolean;
}

/** Chains of positions in `events`, in the order in which they complete. Events are in order of time. */
export function oracle(
  events: readonly OracleEvent[],
  steps: readonly OracleStep[],
  within: number,
  until: readonly string[],
): number[][] {
  const stages: { names: readonly string[]; forbidden: readonly string[] }[] = [];
  let forbidden: string[] = [];
  for (const step of steps) {
    if (step.absent) {
      forbidden.push(...step.names);
      continue;
    }
    for (let i = 0; i < step.runs; i++) {
      stages.push({ names: step.names, forbidden });
      forbidden = [];
    }
  }
  const found: number[][] = [];
  for (let end = 0; end < events.length; end++) {
    const chain = chainEndingAt(end, stages.length - 1, events, stages, within, until);
    if (chain !== null) found.push(chain);
  }
  return found;
}

/** The chain whose stage `stage` is filled by event `at`, or null. */
function chainEndingAt(
  at: number,
  stage: number,
  events: readonly OracleEvent[],
  stages: readonly { names: readonly string[]; forbidden: readonly string[] }[],
  within: number,
  until: readonly string[],
): number[] | null {
  const event = events[at]!;
  if (!stages[stage]!.names.includes(event.name)) return null;
  if (stage === 0) return [at];
  if (until.includes(event.name)) return null;
  const waiting = waitingBefore(at, stage - 1, events, stages, within, until);
  if (waiting === null || event.time - events[waiting[0]!]!.time > within) return null;
  return [...waiting, at];
}

/** The chain that waits at `stage` just before event `at`: the last to get there, unless something has ended it since. */
function waitingBefore(
  at: number,
  stage: number,
  events: readonly OracleEvent[],
  stages: readonly { names: readonly string[]; forbidden: readonly string[] }[],
  within: number,
  until: readonly string[],
): number[] | null {
  for (let i = at - 1; i >= 0; i--) {
    const reached = chainEndingAt(i, stage, events, stages, within, until);
    if (reached !== null) return reached;
    const { name, time } = events[i]!;
    if (until.includes(name)) return null;
    const next = stages[stage + 1]!;
    // Whatever waited here before event i was forbidden by it, or has moved on with it.
    if (next.forbidden.includes(name)) return null;
    if (next.names.includes(name)) {
      const moved = waitingBefore(i, stage, events, stages, within, until);
      if (moved !== null && time - events[moved[0]!]!.time <= within) return null;
    }
  }
  return null;
}
