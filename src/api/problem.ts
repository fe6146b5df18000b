/** Errors as the API tells them: RFC 9457 problem documents, without stack traces and without anyone's secrets. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply } from 'fastify';
import { z } from 'zod';

export const PROBLEM_TYPE = 'application/problem+json';

export interface FieldError {
  readonly in: 'path' | 'query' | 'header' | 'body';
  /** Dotted path of the field: `levels.0`; '' for the whole. */
  readonly field: string;
  readonly message: string;
}

export const problemSchema = z
  .object({
    type: z.string().describe('`urn:spoor:problem:<code>`: what kind of problem it is, for programs'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    request_id: z.string().describe('the same as in the server’s log'),
    errors: z
      .array(z.object({ in: z.enum(['path', 'query', 'header', 'body']), field: z.string(), message: z.string() }))
      .optional()
      .describe('what is wrong with which field'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document' });

interface ProblemExtras {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** An expected failure: thrown by handlers, answered as a problem document. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  /** Last part of the document's `type`. */
  readonly code: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = extras.errors;
    this.headers = extras.headers ?? {};
  }
}

export const notFound = (what: string): Problem => new Problem(404, 'not-found', `${what} does not exist`);

export function problemBody(problem: Problem, requestId: string): z.infer<typeof problemSchema> {
  return {
    type: `urn:spoor:problem:${problem.code}`,
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    request_id: requestId,
    ...(problem.errors === undefined ? {} : { errors: [...problem.errors] }),
  };
}

export async function sendProblem(reply: FastifyReply, problem: Problem): Promise<void> {
  await reply
    .code(problem.status)
    .headers(problem.headers)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemBody(problem, reply.request.id)));
}

/** Errors of the store that are the caller's doing. */
const STORE_PROBLEMS: Readonly<Record<string, (message: string) => Problem>> = {
  bad_cursor: () =>
    new Problem(400, 'invalid-request', 'the request is not valid', {
      errors: [{ in: 'query', field: 'cursor', message: 'is not a cursor of this list' }],
    }),
  out_of_scope: message => new Problem(403, 'forbidden', message),
  merged: message => new Problem(409, 'conflict', message),
  too_many: message => new Problem(409, 'too-many', message),
  resolved: message => new Problem(409, 'conflict', message),
  full: () => new Problem(507, 'store-full', 'the store has no space left'),
  unavailable: () =>
    new Problem(503, 'store-unavailable', 'the store does not answer', { headers: { 'retry-after': '5' } }),
};

/** Errors of the HTTP layer, in our words. */
const HTTP_PROBLEMS: Readonly<Record<string, (error: FastifyError) => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem(413, 'too-large', 'the body is larger than this server takes'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new Problem(415, 'unsupported-media-type', 'the body has to be application/json'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new Problem(400, 'invalid-json', 'the body is empty'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new Problem(400, 'invalid-json', 'the body is not JSON'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem(400, 'bad-request', 'the body is not as long as its header says'),
  FST_ERR_HANDLER_TIMEOUT: () => new Problem(503, 'too-slow', 'the answer took too long'),
  FST_ERR_BAD_URL: () => new Problem(400, 'bad-request', 'the path is not a valid URL path'),
  FST_ERR_MAX_PARAM_LENGTH: () => new Problem(414, 'too-long', 'a part of the path is too long'),
};

/** What an error means to the caller; unknown ones are a bare 500. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code, statusCode } = error as Partial<FastifyError>;
  if (typeof code === 'string') {
    const known = HTTP_PROBLEMS[code];
    if (known !== undefined) return known(error as FastifyError);
    const store = STORE_PROBLEMS[code];
    if (store !== undefined) return store((error as Error).message);
  }
  // Remaining client errors come from the HTTP layer (broken JSON, aborted bodies): the status says enough.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, 'bad-request', STATUS_CODES[statusCode] ?? 'bad request');
  }
  return new Problem(500, 'internal', 'something went wrong; the server’s log has the request id');
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** What is wrong with a value, in the words of the rest of the API; schemas that say it themselves are left theirs. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (!/^(?:Invalid|Too) /.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.endsWith('received undefined')) return 'is missing';
      return `expected ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.length > 1 ? 'one of: ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.minimum === 1 && issue.origin !== 'number') return 'must not be empty';
      return `must be at least ${sized(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `must be at most ${sized(issue.maximum, issue.origin)}`;
    default:
      return 'is not valid';
  }
}

function sized(bound: number | bigint, origin: string): string {
  const unit = origin === 'string' ? ' characters long' : origin === 'array' || origin === 'set' ? ' entries long' : '';
  return `${bound}${unit}`;
}

/** A zod error as field errors. */
export function fieldErrors(place: FieldError['in'], error: z.ZodError): FieldError[] {
  return error.issues.flatMap(issue => {
    const field = issue.path.map(String).join('.');
    if (issue.code !== 'unrecognized_keys') return [{ in: place, field, message: wordsOf(issue) }];
    return issue.keys.map(key => ({
      in: place,
      field: [...issue.path.map(String), key].join('.'),
      message: 'is not known',
    }));
  });
}

export function invalid(errors: readonly FieldError[]): Problem {
  return new Problem(400, 'invalid-request', 'the request is not valid', { errors });
}
