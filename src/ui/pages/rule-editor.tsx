/** Writing a rule: checked as it is typed, tested, and tried on what was recorded. Rules are files: what is written here is taken there. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { Link } from 'wouter';
import type { Alert, ReplayView, RuleCheckView, RuleSource, RuleTestView } from '../../api/contract.ts';
import { get, post } from '../api.ts';
import { save } from '../save.ts';
import { clock, count, visible } from '../text.ts';
import { Level, Loading, Read } from '../widgets.tsx';
import { useFilters } from './filters.ts';
import '../editor/editor.css';

const Code = lazy(() => import('../editor/code.tsx'));

interface Template {
  readonly name: string;
  readonly description: string;
  readonly text: string;
}

export default function RuleEditor() {
  const filters = useFilters();
  const rule = filters.get('rule') ?? '';
  return (
    <>
      <title>Rule editor · Spoor</title>
      <h1>{rule === '' ? 'A new rule' : 'Rule'}</h1>
      {rule === '' ? <Fresh key="new" /> : <Known key={rule} id={rule} />}
    </>
  );
}

function Known({ id }: { readonly id: string }) {
  const source = useQuery({
    queryKey: ['rule', id, 'source'],
    queryFn: () => get<RuleSource>(`/rules/${encodeURIComponent(id)}/source`),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Read of={source} what="rule">
      {({ file, line, text }) => (
        <Desk
          first={text}
          rule={id}
          fileName={file}
          place={
            <>
              From <code>{`${visible(file)}:${line}`}</code>. Nothing here changes that file: download or copy what you
              write and put it there, or into a folder of <code>rules.paths</code>; a running Spoor takes it up by
              itself.
            </>
          }
        />
      )}
    </Read>
  );
}

function Fresh() {
  const filters = useFilters();
  const templates = useQuery({
    queryKey: ['rule-templates'],
    queryFn: () => get<{ items: Template[] }>('/rules/templates'),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Read of={templates} what="templates">
      {({ items }) => {
        const chosen = items.find(({ name }) => name === filters.get('template')) ?? items[0];
        if (chosen === undefined) return <p className="empty">No template is at hand.</p>;
        return (
          <>
            <p>
              <label>
                Begin with{' '}
                <select value={chosen.name} onChange={event => filters.set('template', event.target.value)}>
                  {items.map(({ name, description }) => (
                    <option key={name} value={name}>
                      {description}
                    </option>
                  ))}
                </select>
              </label>
            </p>
            <Desk
              key={chosen.name}
              first={chosen.text}
              rule={null}
              fileName="new-rule.yaml"
              place={
                <>
                  Rules are files: download or copy it into a folder of <code>rules.paths</code>; a running Spoor takes
                  it up by itself.
                </>
              }
            />
          </>
        );
      }}
    </Read>
  );
}

interface DeskProps {
  readonly first: string;
  readonly rule: string | null;
  readonly fileName: string;
  readonly place: ReactNode;
}

function Desk({ first, rule, fileName, place }: DeskProps) {
  const [text, setText] = useState(first);
  const [check, setCheck] = useState<RuleCheckView | null>(null);
  const [copied, setCopied] = useState('');
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied('copied'),
      () => setCopied('the browser does not allow it: use Download'),
    );
  };
  return (
    <>
      <p className="quiet">{place}</p>
      <div className="editor-page">
        <section aria-label="Text of the rule">
          <Suspense fallback={<Loading what="the editor" />}>
            <Code text={text} rule={rule} label="YAML of the rule" onChange={setText} onChecked={setCheck} />
          </Suspense>
          <p className="quiet">
            <kbd>ctrl space</kbd> completes, <kbd>tab</kbd> indents, <kbd>esc</kbd> leaves the editor for the buttons
            below.
          </p>
          <p className="actions">
            <button
              type="button"
              data-after-editor
              onClick={() => save(new Blob([text], { type: 'text/yaml' }), fileName)}
            >
              Download
            </button>
            <button type="button" onClick={copy}>
              Copy
            </button>
            {text === first ? null : (
              <button type="button" onClick={() => setText(first)}>
                Undo all
              </button>
            )}
            <span role="status">{copied}</span>
          </p>
        </section>
        <section aria-label="What it does" className="editor-results">
          <Findings check={check} />
          <Tests text={text} rule={rule} check={check} />
          <Try text={text} />
        </section>
      </div>
    </>
  );
}

function Findings({ check }: { readonly check: RuleCheckView | null }) {
  if (check === null) return null;
  const { diagnostics } = check;
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">Check</h2>
      <p role="status" className="quiet">
        {diagnostics.length === 0 ? 'Nothing to complain of.' : count(diagnostics.length, 'finding')}
      </p>
      <ul>
        {diagnostics.map(({ line, column, code, severity, message, hint }) => (
          <li key={`${line} ${column} ${code} ${message}`} className={severity === 'error' ? 'problem' : undefined}>
            {line}:{column} <code>{code}</code> {visible(message)}
            {hint === '' ? '' : ` (${visible(hint)})`}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface TestsProps {
  readonly text: string;
  readonly rule: string | null;
  readonly check: RuleCheckView | null;
}

function Tests({ text, rule, check }: TestsProps) {
  const run = useMutation({
    mutationFn: () => post<{ items: RuleTestView[] }>('/rules/test', { text, rule }),
  });
  return (
    <section aria-labelledby="tests">
      <h2 id="tests">Tests</h2>
      <p>
        <button type="button" disabled={run.isPending} onClick={() => run.mutate()}>
          {run.isPending ? 'Running …' : 'Run its tests'}
        </button>{' '}
        <span className="quiet">{check === null ? '' : count(check.tests.length, 'test')}</span>
      </p>
      {run.error === null ? null : (
        <p className="problem" role="alert">
          {run.error.message}
        </p>
      )}
      <ul className="plain" aria-live="polite">
        {(run.data?.items ?? []).map(({ test, rule: of, passed, problems, line }) => (
          <li key={`${of} ${test} ${line}`}>
            <strong className={passed ? 'good' : 'problem'}>{passed ? 'passed' : 'failed'}</strong> {visible(test)}
            {problems.length === 0 ? null : <pre>{problems.map(visible).join('\n')}</pre>}
          </li>
        ))}
      </ul>
      {run.data?.items.length === 0 ? <p className="empty">It has no test that could run.</p> : null}
    </section>
  );
}

interface Tried {
  readonly replay: ReplayView;
  readonly alerts: readonly Alert[];
}

/** `recorder 60`, `replay ID`, `recording NAME`. */
function inputOf(value: string): object {
  const [type = '', what = ''] = value.split(' ');
  if (type === 'recorder') return { type, minutes: Number(what) };
  return type === 'replay' ? { type, id: what } : { type, name: what };
}

function Try({ text }: { readonly text: string }) {
  const recordings = useQuery({
    queryKey: ['recordings'],
    queryFn: () => get<{ items: string[] }>('/recordings'),
  });
  const replays = useQuery({
    queryKey: ['replays'],
    queryFn: () => get<{ items: ReplayView[] }>('/replays'),
  });
  const [on, setOn] = useState('recorder 60');
  const run = useMutation({ mutationFn: () => post<Tried>('/rules/try', { text, on: inputOf(on) }) });
  const own = (replays.data?.items ?? []).filter(({ kind, state }) => kind === 'upload' && state === 'done');
  return (
    <section aria-labelledby="try">
      <h2 id="try">Would it have fired?</h2>
      <p>
        <label>
          Try it on{' '}
          <select value={on} onChange={event => setOn(event.target.value)}>
            <option value="recorder 15">the last 15 minutes here</option>
            <option value="recorder 60">the last hour here</option>
            <option value="recorder 1440">the last day here</option>
            {own.map(({ id, input }) => (
              <option key={id} value={`replay ${id}`}>
                {visible(input)}
              </option>
            ))}
            {(recordings.data?.items ?? []).map(name => (
              <option key={name} value={`recording ${name}`}>
                recording: {name}
              </option>
            ))}
          </select>
        </label>{' '}
        <button type="button" disabled={run.isPending} onClick={() => run.mutate()}>
          {run.isPending ? 'Playing …' : 'Try it'}
        </button>
      </p>
      {run.error === null ? null : (
        <p className="problem" role="alert">
          {visible(run.error.message)}
        </p>
      )}
      {run.data === undefined || run.isPending ? null : <Outcome tried={run.data} />}
    </section>
  );
}

/** Nanoseconds of the rule for each event that was played. */
function perEvent({ counts, result }: ReplayView): string {
  const events = Object.values(counts?.events ?? {}).reduce((a, b) => a + b, 0);
  const spent = (result?.costs ?? []).reduce((sum, { seconds }) => sum + seconds, 0);
  if (events === 0) return 'no event was played';
  return `${events.toLocaleString('en')} events, ${Math.round((spent / events) * 1e9).toLocaleString('en')} ns each`;
}

function Outcome({ tried: { replay, alerts } }: { readonly tried: Tried }) {
  if (replay.state !== 'done')
    return (
      <p role="status">
        It takes longer: <Link href={`/replays/${replay.id}`}>follow it</Link>.
      </p>
    );
  const total = replay.counts?.alerts ?? 0;
  const nearest = replay.result?.nearest ?? [];
  return (
    <div aria-live="polite">
      <p>
        <strong>{total === 0 ? 'It would not have fired.' : `It fires: ${count(total, 'alert')}.`}</strong>{' '}
        <span className="quiet">{perEvent(replay)}.</span>{' '}
        {total === 0 ? null : <Link href={`/replays/${replay.id}`}>As a picture</Link>}
      </p>
      {replay.result?.stopped ? <p className="note">{replay.result.stopped}</p> : null}
      <ul className="plain">
        {alerts.map(({ id, rule, message, time, evidence }) => (
          <li key={id}>
            <Level level={rule.level} /> <Link href={`/replays/${replay.id}/alerts/${id}`}>{visible(message)}</Link>{' '}
            <span className="quiet">
              {clock(time)}, {count(evidence.length, 'event')} of evidence
            </span>
          </li>
        ))}
      </ul>
      {nearest.length === 0 ? null : <pre>{nearest.map(visible).join('\n')}</pre>}
    </div>
  );
}
