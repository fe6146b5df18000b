/** Parts of forms: a field with what is wrong with it, steps that ask first, secrets that show once. */
import './forms.css';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { ApiError } from './api.ts';

/** Given to the control of a field. */
export interface Control {
  readonly id: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: true;
}

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What is wrong; '' when nothing is. */
  readonly problem?: string;
  readonly children: (control: Control) => ReactNode;
}

export function FormField({ label, hint, problem = '', children }: FieldProps) {
  const id = useId();
  const isTold = problem !== '' || hint !== undefined;
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        ...(isTold ? { 'aria-describedby': `${id}-note` } : {}),
        ...(problem === '' ? {} : { 'aria-invalid': true as const }),
      })}
      {isTold ? (
        <p id={`${id}-note`} className={problem === '' ? 'quiet' : 'problem'}>
          {problem === '' ? hint : problem}
        </p>
      ) : null}
    </div>
  );
}

/** What the API says of a field and of all below it; '' when nothing is wrong with it. */
export function problemOf(error: Error | null, field: string): string {
  if (!(error instanceof ApiError)) return '';
  const own = error.fields.filter(each => each.field === field || each.field.startsWith(`${field}.`));
  return [...new Set(own.map(({ message }) => message))].join('; ');
}

/** What is wrong with the whole, and with fields that the form does not show. */
export function FormProblem({ error, shown }: { readonly error: Error | null; readonly shown: readonly string[] }) {
  if (error === null) return null;
  const rest =
    error instanceof ApiError
      ? error.fields.filter(({ field }) => !shown.some(each => field === each || field.startsWith(`${each}.`)))
      : [];
  return (
    <p className="problem" role="alert">
      {error.message}
      {rest.map(({ field, message }) => ` ${field}: ${message}.`)}
    </p>
  );
}

interface ConfirmProps {
  readonly label: string;
  /** What will be, as a question. */
  readonly question: string;
  readonly yes: string;
  readonly disabled?: boolean;
  readonly onConfirm: () => void;
}

/** A step that cannot be taken back is asked about where it stands. */
export function Confirm({ label, question, yes, disabled = false, onConfirm }: ConfirmProps) {
  const [isAsking, setAsking] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // What was pressed is gone: the harmless answer takes its place.
    if (isAsking) cancel.current?.focus();
  }, [isAsking]);
  const close = (): void => {
    setAsking(false);
    requestAnimationFrame(() => opener.current?.focus());
  };
  if (!isAsking)
    return (
      <button ref={opener} type="button" disabled={disabled} onClick={() => setAsking(true)}>
        {label}
      </button>
    );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: escape is a short cut for the button beside it.
    <span
      className="confirm"
      onKeyDown={event => {
        if (event.key === 'Escape') close();
      }}
    >
      <span role="alert">{question}</span>
      <button
        type="button"
        className="danger"
        onClick={() => {
          close();
          onConfirm();
        }}
      >
        {yes}
      </button>
      <button ref={cancel} type="button" onClick={close}>
        Cancel
      </button>
    </span>
  );
}

/** Copies, and says whether it did: where a page is not served from this machine or by https, browsers may refuse. */
export function Copy({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied.');
    } catch {
      setSaid('The browser refuses: select the text and copy it.');
    }
  };
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {label}
      </button>{' '}
      <span role="status" className="quiet">
        {said}
      </span>
    </>
  );
}

interface SecretProps {
  readonly secret: string;
  readonly what: string;
  readonly children?: ReactNode;
  readonly onDone: () => void;
}

/** Shown once: it is nowhere else, and gone when this is closed. */
export function Secret({ secret, what, children, onDone }: SecretProps) {
  return (
    <section className="secret" aria-label={what}>
      <h2>{what}</h2>
      <p>It is shown now and never again: keep it where only its user can read it.</p>
      <p>
        <input className="id" readOnly value={secret} aria-label={what} onFocus={event => event.target.select()} />{' '}
        <Copy text={secret} />
      </p>
      {children}
      <button type="button" onClick={onDone}>
        I have kept it
      </button>
    </section>
  );
}

/** `a, b c` as a list without repeats. */
export const words = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(word => word !== ''))];

/** One a line: names may hold spaces. */
export const lines = (text: string): string[] => [
  ...new Set(
    text
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== ''),
  ),
];
