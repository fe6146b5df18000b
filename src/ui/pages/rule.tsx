/** One rule: what it looks for, what it found lately, what to do, and its source. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Alert, Page, RuleSource } from '../../api/contract.ts';
import { get, query } from '../api.ts';
import { Copy } from '../forms.tsx';
import { count, visible } from '../text.ts';
import { Level, Read, Time } from '../widgets.tsx';
import type { RuleRow } from './rule-data.ts';

const ALERTS_SHOWN = 20;

interface RuleDetailProps {
  readonly id: string;
  readonly row: RuleRow | undefined;
  readonly onClose: () => void;
}

export default function RuleDetail({ id, row, onClose }: RuleDetailProps) {
  return (
    <section className="rule-detail" aria-labelledby="rule">
      <button type="button" className="close" aria-label="Close the rule" onClick={onClose}>
        ×
      </button>
      {row === undefined ? (
        <>
          <h2 id="rule">This rule does not run</h2>
          <p>
            None of the id <code className="id">{visible(id)}</code> is loaded: it may have been removed or switched off
            in the configuration. Its alerts stay.
          </p>
        </>
      ) : (
        <Described row={row} />
      )}
      <Fired id={id} />
    </section>
  );
}

const technique = (tag: string): string | null =>
  /^attack\.(t\d{4}(?:\.\d{3})?)$/.exec(tag)?.[1]?.toUpperCase() ?? null;

function Described({ row: { rule, missing } }: { readonly row: RuleRow }) {
  const {
    title,
    level,
    kind,
    description,
    tags,
    falsepositives,
    runbook,
    requires,
    file,
    line,
    author,
    error = '',
  } = rule;
  return (
    <>
      <h2 id="rule">
        <Level level={level} /> {title}
      </h2>
      {error === '' ? null : <p className="problem">Switched off: {visible(error)}</p>}
      <p>{visible(description)}</p>
      <dl className="fields">
        {runbook === '' ? null : (
          <>
            <dt>What to do</dt>
            <dd>{visible(runbook)}</dd>
          </>
        )}
        {falsepositives.length === 0 ? null : (
          <>
            <dt>May be harmless</dt>
            <dd>{visible(falsepositives.join(' '))}</dd>
          </>
        )}
        <dt>ATT&amp;CK</dt>
        <dd>
          {tags.map((tag, at) => {
            const found = technique(tag);
            return (
              <span key={tag}>
                {at > 0 ? ' · ' : ''}
                {found === null ? visible(tag) : <Link href={`/attack${query({ technique: found })}`}>{found}</Link>}
              </span>
            );
          })}
        </dd>
        <dt>Needs of the sensors</dt>
        <dd>
          {requires.length === 0 ? 'nothing beyond the usual' : visible(requires.join(', '))}
          {missing === null || missing.length === 0 ? null : (
            <span className="problem">. Not seen here: {visible(missing.join(', '))}: it cannot fire.</span>
          )}
        </dd>
        <dt>Where</dt>
        <dd>
          {kind.replace('_', ' ')}, {visible(file)}:{line}
          {author === '' ? '' : `, ${visible(author)}`}
        </dd>
      </dl>
      <Source id={rule.id} />
    </>
  );
}

/** Read when it is asked for. */
function Source({ id }: { readonly id: string }) {
  const [isOpen, setOpen] = useState(false);
  const source = useQuery({
    queryKey: ['rule-source', id],
    queryFn: () => get<RuleSource>(`/rules/${encodeURIComponent(id)}/source`),
    enabled: isOpen,
  });
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>YAML</summary>
      {isOpen ? (
        <Read of={source} what="source">
          {({ text }) => (
            <>
              <p className="buttons">
                <Link className="button" href={`/editor${query({ rule: id })}`}>
                  Edit, test, try
                </Link>
                <Copy text={text} />
              </p>
              {/* Its line breaks are its own; nothing else of it may turn the text around. */}
              <pre>{text.split('\n').map(visible).join('\n')}</pre>
            </>
          )}
        </Read>
      ) : null}
    </details>
  );
}

function Fired({ id }: { readonly id: string }) {
  const alerts = useQuery({
    queryKey: ['alerts', 'rule', id],
    queryFn: () => get<Page<Alert>>(`/alerts${query({ rule: id, limit: ALERTS_SHOWN })}`),
    meta: { live: true },
  });
  return (
    <>
      <h3>Lately</h3>
      <Read of={alerts} what="alerts">
        {({ items, next }) =>
          items.length === 0 ? (
            <p className="empty">It has not fired, of what is kept.</p>
          ) : (
            <>
              <ul className="plain">
                {items.map(({ id: alert, message, time, count: n }) => (
                  <li key={alert}>
                    <Link href={`/alerts/${alert}`}>{visible(message)}</Link>{' '}
                    <span className="quiet">
                      <Time time={time} />
                      {n > 1 ? `, ${count(n, 'time')}` : ''}
                    </span>
                  </li>
                ))}
              </ul>
              {next === null ? null : <p className="quiet">The newest {ALERTS_SHOWN}.</p>}
            </>
          )
        }
      </Read>
    </>
  );
}
