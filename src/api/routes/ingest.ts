/** Events by HTTP: from Fluent Bit, Vector, the OpenTelemetry collector or curl. */
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiLimits } from '../config.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';

/** Taken between two looks at everything else that the program does. */
const PIECE_BYTES = 256 * 1024;

const ingestSchema = z
  .object({
    accepted: z.number().describe('events that went on'),
    malformed: z
      .number()
      .describe('lines that are no event: their first bytes are in the quarantine, with `request_id`'),
    unknown: z.number().describe('events of kinds that this version does not know'),
    ahead: z
      .number()
      .describe(
        "events put aside in the quarantine: their time is more than five minutes ahead of this machine's clock",
      ),
    request_id: z.string(),
  })
  .meta({ id: 'IngestResult' });

const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
};

/** Undoes the body's Content-Encoding, to at most `bytesMax`. */
async function inflated(body: Buffer, encoding: string, bytesMax: number): Promise<Buffer> {
  if (encoding === '' || encoding === 'identity') return body;
  const decode = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decode === undefined) {
    throw new Problem(415, 'unsupported-encoding', 'the body may be plain, gzip or deflate', {
      headers: { 'accept-encoding': 'gzip, deflate' },
    });
  }
  try {
    return await decode(body, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Problem(413, 'too-large', `the body is larger than ${bytesMax} bytes when inflated`);
    }
    throw new Problem(400, 'bad-encoding', `the body is not valid ${encoding}`);
  }
}

async function* piecesOf(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    if (at > 0) await setImmediate();
    yield body.subarray(at, at + PIECE_BYTES);
  }
}

function busy(limits: ApiLimits): Problem {
  return new Problem(429, 'busy', 'the pipeline takes no more right now; nothing of this body was taken', {
    headers: { 'retry-after': String(limits.ingestRetryAfterSeconds) },
  });
}

/** A hook for before the body is read: turns senders away while too many bodies are in memory. */
export function boundReceiving(limits: ApiLimits): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  let receiving = 0;
  return async (_request, reply) => {
    if (receiving >= limits.ingestReceivedMax) throw busy(limits);
    receiving++;
    reply.raw.once('close', () => receiving--);
  };
}

export function ingestRoute({ ingest }: Pick<ApiDeps, 'ingest'>, limits: ApiLimits): Route {
  let working = 0;
  return route({
    method: 'POST',
    path: '/api/v1/ingest',
    id: 'ingest',
    tag: 'ingest',
    summary: 'Events as Tetragon and Hubble export them: one JSON object a line, or an array; gzip and deflate allowed',
    scope: 'ingest',
    rawBody: {
      media: ['application/x-ndjson', 'application/json'],
      description: 'Any content type is read as NDJSON or a JSON array',
    },
    answer: { status: 200, description: 'What became of every line', schema: ingestSchema },
    problems: [409, 413, 415],
    requestsPerMinuteMax: limits.ingestRequestsPerMinuteMax,
    handle: async ({ body, request }) => {
      if (ingest === null) {
        throw new Problem(409, 'no-ingest-source', 'no source of type "ingest" is configured');
      }
      if (working >= limits.ingestConcurrentMax) throw busy(limits);
      working++;
      try {
        const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
        const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
        // Whole and sound before any of it is taken: a sender that is told of an error may send it again.
        const whole = await inflated(bytes, encoding, limits.ingestInflatedBytesMax);
        const result = await ingest.offer(piecesOf(whole), `request ${request.id}`);
        if (result === 'full') throw busy(limits);
        const { accepted, malformed, unknown, ahead } = result;
        return { accepted, malformed, unknown, ahead, request_id: request.id };
      } finally {
        working--;
      }
    },
  });
}
