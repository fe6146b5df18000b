/** Recordings that somebody sent to be played in an engine of their own: how the API shows them, and what it needs for that. */
import { z } from 'zod';

/** Whose it is. */
export interface ReplayOwner {
  /** Of the token; '' where none is needed. */
  readonly id: string;
  readonly name: string;
  /** May see and delete those of others. */
  readonly isAdmin: boolean;
}

export const REPLAY_STATES = ['receiving', 'waiting', 'playing', 'done', 'failed'] as const;

const countsSchema = z.object({
  events: z.record(z.string(), z.number()).describe('played, by kind'),
  bytes: z.number().describe('read, inflated'),
  malformed: z.number().describe('lines that are no event'),
  unknown_kinds: z.number().describe('events of kinds that this version does not use'),
  lost: z.number().describe('known to be lost: by the sensors, or with the end of a damaged file'),
  late: z.number().describe('events after a later one in their file; used all the same'),
  alerts: z.number(),
  from: z.string().nullable().describe('time of the earliest event'),
  to: z.string().nullable().describe('time of the newest event'),
  seconds: z.number().describe('spent on it'),
});

const resultSchema = z.object({
  stopped: z.string().describe("why it did not play all; '' when it did"),
  rules: z.number(),
  incidents: z.number(),
  quarantined: z
    .array(z.object({ place: z.string().describe('file:line'), reason: z.string(), bytes: z.string() }))
    .describe('the last of the malformed lines, with their first bytes'),
  pods: z.array(z.object({ pod: z.string(), processes: z.number() })).describe('those with most processes first'),
  pods_total: z.number(),
  costs: z
    .array(
      z.object({
        rule: z.string(),
        title: z.string(),
        evaluated: z.number().describe('times that one of its conditions was evaluated'),
        matched: z.number(),
        findings: z.number(),
        seconds: z.number(),
        error: z.string().describe("why it was switched off; '' while it works"),
      }),
    )
    .describe('of a rule that is tried'),
  nearest: z.array(z.string()).describe('why a rule that is tried made no alert: the events that came nearest'),
});

export const replaySchema = z
  .object({
    id: z.string(),
    kind: z.enum(['upload', 'try']).describe('a recording under all rules, or a rule that is tried'),
    state: z.enum(REPLAY_STATES),
    input: z.string().describe('what it plays, in words'),
    owner: z.string(),
    created: z.string(),
    expires: z.string().describe('when it is deleted'),
    files: z.array(z.object({ name: z.string(), bytes: z.number() })),
    counts: countsSchema.nullable(),
    result: resultSchema.nullable().describe('when it is done'),
    error: z.string().describe("why it failed, and what to do; '' when it did not"),
  })
  .meta({ id: 'Replay' });

export type ReplayView = z.infer<typeof replaySchema>;

/** What a rule is tried on. */
export type TryInput =
  | { readonly type: 'recorder'; readonly minutes: number }
  | { readonly type: 'replay'; readonly id: string }
  | { readonly type: 'recording'; readonly name: string };

/** All of it throws problems: 404 for what is not there or not the asker's, 409, 413, 429 with what to do. */
export interface ReplaysPort {
  /** Names of the recordings that ship. */
  recordings(): readonly string[];
  list(owner: ReplayOwner): readonly ReplayView[];
  get(id: string, owner: ReplayOwner): ReplayView;
  create(owner: ReplayOwner): Promise<ReplayView>;
  /** Appends to its file of that name. `offset`: where the body belongs, or null for a new file. */
  append(
    id: string,
    owner: ReplayOwner,
    name: string,
    offset: number | null,
    body: AsyncIterable<Uint8Array>,
  ): Promise<ReplayView>;
  start(id: string, owner: ReplayOwner): ReplayView;
  /** Plays a recording that ships, under all rules. */
  playShipped(owner: ReplayOwner, recording: string): Promise<ReplayView>;
  /** Plays a rule over what is at hand. */
  try(owner: ReplayOwner, text: string, input: TryInput): Promise<ReplayView>;
  /** As soon as it is done or failed, at the latest after `msMax`. */
  finished(id: string, owner: ReplayOwner, msMax: number): Promise<ReplayView>;
  /** The answer of a route of the case, by its operation's name, as JSON. */
  ask(id: string, owner: ReplayOwner, route: string, params: unknown, query: unknown): Promise<string>;
  /** Called after each change until the returned function is; a last time with null when it is deleted. */
  follow(id: string, owner: ReplayOwner, changed: (view: ReplayView | null) => void): () => void;
  delete(id: string, owner: ReplayOwner): Promise<void>;
}
