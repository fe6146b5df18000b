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

async function request(method: string, path: string, body?: unknown): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, 'Spoor does not answer: is it running, and can this machine reach it?');
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

/** RFC 9457 problem documents say what is wrong in `detail`. */
async function problemOf(response: Response): Promise<ApiError> {
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
