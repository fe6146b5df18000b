/** Requests to Spoor's own API, and how their failures read. */

export interface FieldProblem {
  /** Dotted path in what was sent: `match.rule.0`. */
  readonly field: string;
  readonly message: string;
}

export class ApiError extends Error {
  readonly status: number;
  /** What is wrong with which field. */
  readonly fields: readonly FieldProblem[];

  constructor(status: number, message: string, fields: readonly FieldProblem[] = []) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.fields = fields;
  }
}

/** What Spoor answered, where it is no failure. */
async function answered(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError(0, 'Spoor does not answer: is it running, and can this machine reach it?');
  }
  if (!response.ok && response.status !== 304) throw await problemOf(response);
  return response;
}

async function request(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await answered(path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return response.status === 204 ? null : response.json();
}

/** RFC 9457 problem documents say what is wrong in `detail`. */
export async function problemOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as {
    detail?: unknown;
    title?: unknown;
    errors?: FieldProblem[];
  } | null;
  const text = problem?.detail ?? problem?.title;
  const message = typeof text === 'string' ? text : `Spoor answered ${response.status}`;
  return new ApiError(response.status, message, problem?.errors ?? []);
}

export const get = <T>(path: string): Promise<T> => request('GET', `/api/v1${path}`) as Promise<T>;

/** An answer with the tag by which the next question can tell that it has it. */
export interface Tagged<T> {
  readonly data: T;
  readonly etag: string;
}

/** What is held already when nothing changed since. */
export async function getUnlessSame<T>(path: string, held: Tagged<T> | undefined): Promise<Tagged<T>> {
  const headers = held === undefined || held.etag === '' ? {} : { 'if-none-match': held.etag };
  const response = await answered(`/api/v1${path}`, { headers });
  if (response.status === 304 && held !== undefined) return held;
  return { data: (await response.json()) as T, etag: response.headers.get('etag') ?? '' };
}

export const post = <T>(path: string, body: unknown = {}): Promise<T> =>
  request('POST', `/api/v1${path}`, body) as Promise<T>;

export const patch = <T>(path: string, body: unknown): Promise<T> =>
  request('PATCH', `/api/v1${path}`, body) as Promise<T>;

export const remove = (path: string): Promise<unknown> => request('DELETE', `/api/v1${path}`);

/** `?a=1&b=2` of what is set. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const set = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return set.length === 0 ? '' : `?${new URLSearchParams(set.map(([key, value]) => [key, String(value)]))}`;
}
