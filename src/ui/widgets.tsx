/** Small parts that pages share. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { IncidentState, Level as LevelName, SinkView } from '../api/contract.ts';
import { ApiError } from './api.ts';
import { ago, instant, visible } from './text.ts';

export const LEVELS: readonly LevelName[] = ['critical', 'high', 'medium', 'low', 'informational'];

export function Level({ level }: { readonly level: LevelName }) {
  return <span className={`level level-${level}`}>{level}</span>;
}

export function State({ state }: { readonly state: IncidentState }) {
  return <span className={`state state-${state}`}>{state}</span>;
}

/** A sink that was never tried is neither well nor ill. */
export function SinkDot({ sink: { state, deliveries } }: { readonly sink: SinkView }) {
  const well = state === 'ok' ? 'good' : 'idle';
  const mark = state === 'failing' || state === 'disabled' ? '' : deliveries.dead > 0 ? 'fair' : well;
  return <span className={`dot ${mark}`} aria-hidden="true" />;
}

const TICK_MS = 10_000;

/** The reader's clock, now and then. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function Time({ time }: { readonly time: string }) {
  const now = useNow();
  return (
    <time dateTime={time} title={instant(time)}>
      {ago(time, now)}
    </time>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p className="loading" role="status">
      Reading {what} …
    </p>
  );
}

interface FailureProps {
  readonly error: Error;
  readonly what: string;
  readonly onRetry?: () => void;
}

const ADVICE: Readonly<Record<number, string>> = {
  0: 'The page tries again by itself as soon as it is back.',
  403: 'Your token may not do this: use one with the scope that it names.',
  404: 'It may have been removed by retention, or the address is not right.',
  429: 'Wait a moment, then try again.',
};

export function Failure({ error, what, onRetry }: FailureProps) {
  const status = error instanceof ApiError ? error.status : -1;
  const fields = error instanceof ApiError ? error.fields : [];
  return (
    <div className="failure" role="alert">
      <p>
        <strong>No {what}:</strong> {error.message}
      </p>
      {fields.length === 0 ? null : (
        <ul>
          {fields.map(({ field, message }) => (
            <li key={`${field} ${message}`}>
              {visible(field)}: {visible(message)}
            </li>
          ))}
        </ul>
      )}
      <p className="quiet">{ADVICE[status] ?? (status >= 500 ? 'Spoor’s log says more.' : '')}</p>
      {onRetry === undefined ? null : (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface QueryState<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly refetch: () => unknown;
}

/** A query's three states; what was read before stays while it cannot be read again. */
export function Read<T>({
  of,
  what,
  children,
}: {
  readonly of: QueryState<T>;
  readonly what: string;
  readonly children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) return children(of.data);
  if (of.error !== null) return <Failure error={of.error} what={what} onRetry={() => of.refetch()} />;
  return <Loading what={what} />;
}

interface ChoicesProps<T extends string> {
  readonly label: string;
  readonly values: readonly T[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: string[]) => void;
}

/** Any of some, as buttons that stay pressed. */
export function Choices<T extends string>({ label, values, chosen, onChange }: ChoicesProps<T>) {
  return (
    <fieldset className="choices">
      <legend>{label}</legend>
      {values.map(value => {
        const on = chosen.includes(value);
        return (
          <button
            key={value}
            type="button"
            aria-pressed={on}
            onClick={() => onChange(on ? chosen.filter(each => each !== value) : [...chosen, value])}
          >
            {value}
          </button>
        );
      })}
    </fieldset>
  );
}

interface DialogProps {
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ label, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-label={label} onClose={onClose}>
      {children}
    </dialog>
  );
}
