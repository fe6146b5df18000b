/** Events by HTTP: from Fluent Bit, Vector, the OpenTelemetry collector or curl. */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { z } from 'zod';
import type { ApiLimits } from '../config.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';

const ERRORS_SHOWN_MAX = 20;

const ingestSchema = z
  .object({
    accepted: z.number().describe('events that went on'),
    malformed: z.number().describe('lines that are no event'),
    unknown: z.number().describe('events of kinds that this version does not know'),
    errors: z
      .array(z.object({ line: z.number().describe('from 1'), reason: z.string() }))
      .describe('the first mistakes'),
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

export function ingestRoute({ ingest }: Pick<ApiDeps, 'ingest'>, limits: ApiLimits): Route {
  let working = 0;
  const busy = (): Problem =>
    new Problem(429, 'busy', 'the pipeline takes no more right now; nothing of this body was taken', {
      headers: { 'retry-after': String(limits.ingestRetryAfterSeconds) },
    });
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
      if (working >= limits.ingestConcurrentMax) throw busy();
      working++;
      try {
        const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
        const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
        const result = await ingest.offer(await inflated(bytes, encoding, limits.ingestInflatedBytesMax));
        if (result === 'full') throw busy();
        const { accepted, malformed, unknown, errors } = result;
        return { accepted, malformed, unknown, errors: errors.slice(0, ERRORS_SHOWN_MAX).map(error => ({ ...error })) };
      } finally {
        working--;
      }
    },
  });
}
