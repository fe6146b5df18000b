/** Scratch replays: recordings that somebody sends are played beside what is live, and read by the same routes. */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../auth.ts';
import type { ApiLimits } from '../config.ts';
import { Problem } from '../problem.ts';
import { type ReplayOwner, type ReplaysPort, type ReplayView, replaySchema } from '../replays.ts';
import { type Route, route } from '../route.ts';
import { wholeNumber } from '../schemas.ts';

const replayId = z.string().regex(/^[0-9a-f]{24}$/, 'expected the id of a replay');
const replayParams = z.strictObject({ replay: replayId });
const NAME_CHARS_MAX = 200;
const fileName = z.string().min(1).max(NAME_CHARS_MAX);
const OFFSET_MAX = 2 ** 40;
const FORM_FIELDS_MAX = 8;
/** Pieces of a long upload come fast. */
const UPLOADS_PER_MINUTE_MAX = 6_000;

export const ownerOf = ({ id, name, scopes, namespaces }: Caller): ReplayOwner => ({
  id,
  name,
  isAdmin: scopes.has('admin') && namespaces === null,
});

const PLAYS_PER_MINUTE_MAX = 60;
const MEDIA = ['multipart/form-data', 'application/octet-stream', 'application/x-ndjson', 'application/gzip'] as const;

/** Routes whose body is a stream: they are registered where nothing reads it before them. */
export function uploadRoutes(replays: ReplaysPort): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/replays',
      id: 'createReplay',
      tag: 'replays',
      summary:
        'Play recordings of Tetragon and Hubble in an engine of their own: as form data with a file each, or one as the body with ' +
        '`name`. `start=false` begins one whose files follow. Only who sent it and administrators can read it; at the limit the oldest of yours that is over is deleted',
      scope: 'write',
      query: z.strictObject({
        name: fileName.default('recording').describe('of the file that the body is'),
        start: z.enum(['true', 'false']).default('true').describe('false: files follow, then `start`'),
      }),
      rawBody: { media: [...MEDIA], description: 'JSON lines, plain or gzip' },
      answer: { status: 201, description: 'The replay', schema: replaySchema },
      problems: [409, 413],
      requestsPerMinuteMax: 120,
      handle: async ({ query, caller, body, request }) => {
        const owner = ownerOf(caller);
        const { id } = await replays.create(owner);
        try {
          const stream = body as Readable | undefined;
          if (stream !== undefined) {
            const take = (name: string, part: Readable) => replays.append(id, owner, name, null, part);
            await (isForm(request) ? receiveForm(request, stream, take) : take(query.name, stream));
          }
          return query.start === 'true' ? replays.start(id, owner) : replays.get(id, owner);
        } catch (error) {
          await replays.delete(id, owner).catch(() => {});
          throw closing(error);
        }
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/replays/:replay/files',
      id: 'addReplayFile',
      tag: 'replays',
      summary: 'A file of a replay that has not started, whole or in pieces one after another',
      scope: 'write',
      params: replayParams,
      query: z.strictObject({
        name: fileName,
        offset: wholeNumber(0, OFFSET_MAX).default(0).describe('bytes of the file that were sent before'),
      }),
      rawBody: { media: MEDIA.slice(1), description: 'The next bytes of the file' },
      answer: { status: 200, description: 'The replay', schema: replaySchema },
      problems: [404, 409, 413],
      requestsPerMinuteMax: UPLOADS_PER_MINUTE_MAX,
      handle: async ({ params, query, caller, body }) => {
        const owner = ownerOf(caller);
        const stream = body as Readable | undefined;
        if (stream === undefined) return replays.get(params.replay, owner);
        try {
          return await replays.append(params.replay, owner, query.name, query.offset, stream);
        } catch (error) {
          throw closing(error);
        }
      },
    }),
  ];
}

const isForm = ({ headers }: FastifyRequest): boolean => /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');

/** The rest of a body that is refused is not waited for. */
function closing(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  const { status, code, message, headers } = error;
  return new Problem(status, code, message, { headers: { ...headers, connection: 'close' } });
}

async function receiveForm(
  { headers }: FastifyRequest,
  body: Readable,
  take: (name: string, part: Readable) => Promise<unknown>,
): Promise<void> {
  const bad = (reason: string): Problem => new Problem(400, 'bad-form', `the form data cannot be read: ${reason}`);
  const abort = new AbortController();
  let failure: unknown = null;
  let taking: Promise<unknown> = Promise.resolve();
  let form: InstanceType<typeof Busboy>;
  try {
    form = new Busboy({
      headers: headers as { 'content-type': string },
      limits: { fields: FORM_FIELDS_MAX, fieldSize: NAME_CHARS_MAX },
    });
  } catch (error) {
    throw bad((error as Error).message);
  }
  form.on('file', (_field, part, name) => {
    taking = taking
      .then(() => take((name ?? 'recording').slice(0, NAME_CHARS_MAX) || 'recording', part))
      .catch((error: unknown) => {
        failure ??= error;
        part.resume();
        abort.abort();
      });
  });
  try {
    await pipeline(body, form, { signal: abort.signal });
  } catch (error) {
    failure ??= bad((error as Error).message);
  }
  await taking;
  if (failure !== null) throw failure;
}

/** `of`: the routes of a case, which are answered for replays too. */
export function replayRoutes(replays: ReplaysPort, of: readonly Route[], limits: ApiLimits): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/replays',
      id: 'listReplays',
      tag: 'replays',
      summary: 'Your replays; for administrators all',
      scope: 'read',
      answer: { status: 200, description: 'Replays, oldest first', schema: z.object({ items: z.array(replaySchema) }) },
      handle: ({ caller }) => ({ items: [...replays.list(ownerOf(caller))] }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/recordings',
      id: 'listRecordings',
      tag: 'replays',
      summary: 'Recordings that ship with Spoor, to look at and to try rules on',
      scope: 'read',
      answer: { status: 200, description: 'Their names', schema: z.object({ items: z.array(z.string()) }) },
      handle: () => ({ items: [...replays.recordings()] }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/recordings/:recording/replay',
      id: 'replayRecording',
      tag: 'replays',
      summary: 'Play a recording that ships, as a replay of yours',
      scope: 'write',
      params: z.strictObject({ recording: z.string().min(1).max(NAME_CHARS_MAX).describe('a name of the list') }),
      answer: { status: 201, description: 'The replay', schema: replaySchema },
      problems: [404],
      requestsPerMinuteMax: PLAYS_PER_MINUTE_MAX,
      handle: ({ params, caller }) => replays.playShipped(ownerOf(caller), params.recording),
    }),
    route({
      method: 'GET',
      path: '/api/v1/replays/:replay',
      id: 'getReplay',
      tag: 'replays',
      summary: 'How far a replay is, and what came of it',
      scope: 'read',
      params: replayParams,
      answer: { status: 200, description: 'The replay', schema: replaySchema },
      problems: [404],
      handle: ({ params, caller }) => replays.get(params.replay, ownerOf(caller)),
    }),
    route({
      method: 'POST',
      path: '/api/v1/replays/:replay/start',
      id: 'startReplay',
      tag: 'replays',
      summary: 'Play a replay whose files are all there',
      scope: 'write',
      params: replayParams,
      body: z.strictObject({}),
      answer: { status: 202, description: 'The replay', schema: replaySchema },
      problems: [404, 409],
      handle: ({ params, caller }) => replays.start(params.replay, ownerOf(caller)),
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/replays/:replay',
      id: 'deleteReplay',
      tag: 'replays',
      summary: 'End a replay, and delete all that was sent and found',
      scope: 'write',
      params: replayParams,
      answer: { status: 204, description: 'Deleted' },
      problems: [404],
      handle: ({ params, caller }) => replays.delete(params.replay, ownerOf(caller)) as Promise<undefined>,
    }),
    route({
      method: 'GET',
      path: '/api/v1/replays/:replay/stream',
      id: 'streamReplay',
      tag: 'replays',
      summary:
        'Server-sent events `replay` with the replay as it is now, while it is received and played; `end` when that is over',
      scope: 'read',
      params: replayParams,
      answer: { status: 200, description: 'The stream', media: 'text/event-stream' },
      problems: [404, 503],
      handle: ({ params, caller, reply }) => {
        const owner = ownerOf(caller);
        const view = replays.get(params.replay, owner);
        const response = reply.raw;
        const send = sender(response, limits.streamHeartbeatMs);
        const unfollow = replays.follow(params.replay, owner, send);
        reply.hijack();
        for (const [name, value] of Object.entries(reply.getHeaders()))
          if (value !== undefined) response.setHeader(name, value);
        response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
        response.once('close', unfollow);
        send(view);
        return reply;
      },
    }),
    ...of.map(spec => mirrored(spec, replays)),
  ];
}

const isOver = (view: ReplayView | null): boolean => view === null || view.state === 'done' || view.state === 'failed';

/** Writes the newest view as soon as the client takes it; those in between are passed over. */
function sender(response: ServerResponse, heartbeatMs: number): (view: ReplayView | null) => void {
  let waiting: { view: ReplayView | null } | null = null;
  let isFull = false;
  const heartbeat = setInterval(() => isFull || response.write(': heartbeat\n\n'), heartbeatMs);
  heartbeat.unref();
  const flush = (): void => {
    if (waiting === null || isFull || response.writableEnded) return;
    const { view } = waiting;
    waiting = null;
    if (view !== null) isFull = !response.write(`event: replay\ndata: ${JSON.stringify(view)}\n\n`);
    if (isOver(view)) response.end('event: end\ndata: {}\n\n');
  };
  response.on('drain', () => {
    isFull = false;
    flush();
  });
  response.once('close', () => clearInterval(heartbeat));
  // A reset is not a failure of ours.
  response.on('error', () => {});
  return view => {
    waiting = { view };
    flush();
  };
}

/** The same question, asked of a replay. */
function mirrored(spec: Route, replays: ReplaysPort): Route {
  const params = (spec.params ?? z.strictObject({})) as z.ZodObject;
  return {
    ...spec,
    path: spec.path.replace('/api/v1/', '/api/v1/replays/:replay/'),
    id: `replay${spec.id[0]?.toUpperCase()}${spec.id.slice(1)}`,
    tag: 'replays',
    summary: `Of a replay: ${spec.summary}`,
    params: z.strictObject({ replay: replayId, ...params.shape }),
    problems: [...new Set([...(spec.problems ?? []), 404, 409, 503])],
    handle: async ({ params: { replay, ...rest }, query, caller, reply }) => {
      const text = await replays.ask(replay, ownerOf(caller), spec.id, rest, query);
      return reply.type('application/json').send(text);
    },
  };
}
