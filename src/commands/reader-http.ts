/** Queries answered by a running Spoor over its API. */
import { readFileSync } from 'node:fs';
import type { Alert, Incident } from '../alerts/alert.ts';
import type { RuleRecord } from '../api/deps.ts';
import type { DrawnPicture } from '../render/picture-text.ts';
import type { RemoteTree } from '../render/remote-tree.ts';
import type { Status, StatusSink } from '../render/status.ts';
import type { TimelineLine } from '../render/timeline.ts';
import type { Page } from '../store/store.ts';
import { CommandError, UsageError } from './io.ts';
import type { ListedDelivery, Query, Reader } from './reader.ts';

const TIMEOUT_MS = 30_000;

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new UsageError(`--url: '${url}' is not a URL such as http://127.0.0.1:8787`);
  }
  if (base.username !== '' || base.password !== '') {
    throw new UsageError('--url: must not hold a user name or password; --token-file names the file with the token');
  }
  return base;
}

function tokenFrom(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(`--token-file: ${file} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`}`);
  }
  // Never shown: it may be the token of somebody who named the wrong line.
  if (!/^[!-~]{1,256}$/.test(token)) throw new UsageError(`--token-file: ${file} holds no token`);
  return token;
}

interface Problem {
  readonly detail?: string;
  readonly title?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

/** What the API says is wrong, its fields by name. */
async function reasonOf(response: Response): Promise<string> {
  const { detail, title, errors } = (await response.json().catch(() => ({}))) as Problem;
  const fields = errors?.map(({ field, message }) => `${field} ${message}`).join('; ');
  return fields ?? detail ?? title ?? response.statusText;
}

function podPath(pod: string): string {
  const [namespace = '', name = ''] = pod.split('/');
  return `${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

const post = (body: object): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });

export function overHttp(url: string, tokenFile: string | undefined): Reader {
  const base = baseOf(url);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (tokenFile !== undefined) headers.authorization = `Bearer ${tokenFrom(tokenFile)}`;

  /** GET, or POST with a body. */
  async function call(path: string, query: Query = {}, body?: object): Promise<Response> {
    const target = new URL(`${base.pathname.replace(/\/$/, '')}/api/v1/${path}`, base);
    for (const [key, value] of Object.entries(query)) {
      // The API's filters are named in the singular.
      const name = key === 'levels' ? 'level' : key === 'states' ? 'state' : key;
      if (value !== undefined) target.searchParams.set(name, [value].flat().join(','));
    }
    let response: Response;
    try {
      response = await fetch(target, {
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : post(body)),
      });
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message;
      throw new CommandError(
        `no Spoor answers at ${target.origin} (${why}); start one (spoor run, spoor demo), name it with --url, or read a database with --db`,
      );
    }
    if (response.ok || response.status === 404) return response;
    const hint = response.status === 401 ? '; --token-file names the file with the token' : '';
    throw new CommandError(`${target.origin} answered ${response.status}: ${await reasonOf(response)}${hint}`);
  }

  async function read<T>(response: Response): Promise<T> {
    try {
      if (response.ok) return (await response.json()) as T;
    } catch {
      // Told below.
    }
    throw new CommandError(`what answers at ${base.origin} (${response.status}) is not Spoor: name another --url`);
  }
  const json = async <T>(path: string, query?: Query): Promise<T> => read<T>(await call(path, query));
  /** Null for what does not exist. */
  const one = async <T>(path: string): Promise<T | null> => {
    const response = await call(path);
    return response.status === 404 ? null : read<T>(response);
  };

  return {
    alerts: query => json<Page<Alert>>('alerts', query),
    alert: id => one<Alert>(`alerts/${encodeURIComponent(id)}`),
    incidents: query => json<Page<Incident>>('incidents', query),
    incident: id => one<Incident>(`incidents/${encodeURIComponent(id)}`),
    capture: async id =>
      (await (await call(`incidents/${encodeURIComponent(id)}/capture`)).text())
        .split('\n')
        .filter(line => line !== ''),
    incidentPicture: id => json<DrawnPicture>(`incidents/${encodeURIComponent(id)}/picture`),
    incidentTimeline: async id =>
      (await json<{ items: TimelineLine[] }>(`incidents/${encodeURIComponent(id)}/timeline`)).items,
    podPicture: pod => one<DrawnPicture>(`pods/${podPath(pod)}/picture`),
    podTree: pod => one<RemoteTree>(`pods/${podPath(pod)}/tree`),
    deliveries: query => json<Page<ListedDelivery>>('deliveries', query),
    replay: async (id, to) => {
      const response = await call(`deliveries/${id}/replay`, {}, { sink: to });
      return response.ok ? null : reasonOf(response);
    },
    replayDead: async (sink, to) => {
      const response = await call(`sinks/${encodeURIComponent(sink)}/replay`, {}, { sink: to });
      if (!response.ok) throw new CommandError(await reasonOf(response));
      return read(response);
    },
    rules: async () => {
      const { items } = await json<{ items: readonly Partial<RuleRecord>[] }>('rules');
      if (items.some(({ matches }) => matches === undefined)) {
        throw new CommandError('this token is limited to namespaces: what rules did is for tokens of all');
      }
      return items as readonly RuleRecord[];
    },
    status: () => json<Status>('status'),
    sinks: async () => (await json<{ items: readonly StatusSink[] }>('sinks')).items,
    close: async () => undefined,
  };
}
