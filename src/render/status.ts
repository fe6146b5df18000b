/** How a running Spoor does, a line a part: what is well, what is to be waited for, and what somebody has to look at. */
import { shown } from './alert.ts';
import { counted } from './counted.ts';
import type { Style } from './style.ts';

type Numbers = Readonly<Record<string, number>>;

/** As `/api/v1/status` tells it. What counts all namespaces is absent for tokens of some. */
export interface Status {
  readonly version: string;
  readonly started: string;
  readonly sources: readonly StatusSource[];
  readonly rules: { readonly loaded: number; readonly errors: number };
  readonly store: { readonly ok: boolean; readonly detail: string; readonly bytes?: number };
  readonly alerts?: Numbers;
  readonly late?: number;
  readonly held?: Numbers;
  readonly evicted?: Numbers;
}

interface StatusSource {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly detail: string;
  readonly newest?: string | null;
  readonly counters?: Numbers;
}

/** As `/api/v1/sinks` tells it. */
export interface StatusSink {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly detail: string;
  readonly deliveries: {
    readonly pending: number;
    readonly leased: number;
    readonly delivered: number;
    readonly dead: number;
  };
}

type Mark = 'good' | 'wait' | 'bad';

/** Losses that deserve a word. */
const LOSSES = ['malformed', 'lost', 'ahead', 'duplicates', 'reconnects'];

const listOf = (numbers: Numbers): string =>
  Object.entries(numbers)
    .filter(([, n]) => n > 0)
    .map(([key, n]) => `${n.toLocaleString('en')} ${key.replaceAll('_', ' ')}`)
    .join(', ') || 'none';

/** Files come when somebody writes them; a connection that is waited for is down. */
function sourceMark({ type, state }: StatusSource): Mark {
  if (state === 'connected' || state === 'ended') return 'good';
  if (state === 'starting' || (state === 'waiting' && type === 'file')) return 'wait';
  return 'bad';
}

function sourceText({ name, type, state, detail, newest, counters }: StatusSource): string {
  const parts = [state];
  if (counters !== undefined) parts.push(counted(counters.events ?? 0, 'event'));
  if (newest != null) parts.push(`newest ${newest.slice(0, 19)}Z`);
  const losses = LOSSES.filter(key => (counters?.[key] ?? 0) > 0).map(
    key => `${(counters?.[key] ?? 0).toLocaleString('en')} ${key}`,
  );
  const lost = losses.length === 0 ? '' : `; ${losses.join(', ')}`;
  return `source ${shown(name)} (${type}): ${parts.join(', ')}${lost}${detail === '' ? '' : `  ${shown(detail)}`}`;
}

function sinkMark({ state, deliveries }: StatusSink): Mark {
  if (state === 'disabled' || state === 'failing' || deliveries.dead > 0) return 'bad';
  return state === 'ok' ? 'good' : 'wait';
}

function sinkText({ name, type, state, detail, deliveries }: StatusSink, lastError: string | undefined): string {
  const { dead, delivered, leased, pending } = deliveries;
  const numbers = [`${delivered.toLocaleString('en')} delivered`, `${(pending + leased).toLocaleString('en')} waiting`];
  if (dead > 0) numbers.push(counted(dead, 'dead letter'));
  const failing = state === 'failing' || state === 'disabled';
  const error = failing || lastError === undefined ? detail : lastError;
  const tail = failing || dead > 0 ? `  last error: ${shown(error)}` : '';
  return `sink ${shown(name)} (${type}): ${state}, ${numbers.join(', ')}${tail}`;
}

/** `lastErrors`: by sink, that of the newest dead letter. */
export function statusLines(
  status: Status,
  sinks: readonly StatusSink[],
  lastErrors: ReadonlyMap<string, string>,
  style: Style,
): string[] {
  const marks = { good: style.green('OK  '), wait: style.yellow('... '), bad: style.red('BAD ') };
  const { rules, store } = status;
  const size = store.bytes === undefined ? '' : ` ${(store.bytes / 1e6).toFixed(1)} MB`;
  const wrong = rules.errors === 0 ? '' : `, ${counted(rules.errors, 'error')}`;
  const totals = [
    ...(status.alerts === undefined ? [] : [`alerts: ${listOf(status.alerts)}`]),
    ...(status.late === undefined ? [] : [`late events: ${status.late.toLocaleString('en')}`]),
    ...(status.held === undefined ? [] : [`held: ${listOf(status.held)}`]),
    ...(status.evicted === undefined ? [] : [`evicted: ${listOf(status.evicted)}`]),
  ];
  return [
    `Spoor ${status.version}, running since ${status.started.slice(0, 19)}Z`,
    ...status.sources.map(source => `${marks[sourceMark(source)]} ${sourceText(source)}`),
    `${marks[rules.errors === 0 ? 'good' : 'bad']} rules: ${rules.loaded.toLocaleString('en')} loaded${wrong}`,
    `${marks[store.ok ? 'good' : 'bad']} store:${size}${store.detail === '' ? '' : `  ${shown(store.detail)}`}`,
    ...sinks.map(sink => `${marks[sinkMark(sink)]} ${sinkText(sink, lastErrors.get(sink.name))}`),
    ...(sinks.some(({ deliveries }) => deliveries.dead > 0)
      ? ['     dead letters: spoor deliveries --state dead lists them, --replay ID sends one again']
      : []),
    ...(totals.length === 0 ? [] : [`     ${totals.join('; ')}`]),
  ];
}
