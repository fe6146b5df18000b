/** Everything about one event, and the ways on from it. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Alert, EventView, Page } from '../../api/contract.ts';
import { get, query } from '../api.ts';
import { count, cut, instant, json, visible } from '../text.ts';
import { LEVELS, Level } from '../widgets.tsx';

const VALUE_CHARS = 2_000;
const ALERTS_MAX = 200;
const ALERTS_SHOWN = 4;
const ID_CHARS = 12;

interface DetailsProps {
  readonly event: EventView;
  readonly columns: readonly string[];
  readonly onFilter: (filter: string) => void;
  readonly onColumn: (field: string) => void;
  readonly onClose: () => void;
}

export function EventDetails({ event, columns, onFilter, onColumn, onClose }: DetailsProps) {
  const { pod, process, fields } = event;
  const [showsRaw, setShowsRaw] = useState(false);
  return (
    <aside className="details" aria-label="Event">
      <button type="button" className="close" aria-label="Close the event" onClick={onClose}>
        ×
      </button>
      <h2>{event.kind}</h2>
      <p>
        <code>{visible(cut(event.what, VALUE_CHARS))}</code>
      </p>
      <p className="quiet">
        {instant(event.time)} on {visible(event.node) || 'an unnamed node'}
      </p>
      <ul className="plain ways">
        {pod === null ? null : (
          <>
            <li>
              <Link href={`/pods/${pod}?at=${encodeURIComponent(event.time)}`}>The pod as it was then</Link>
            </li>
            <li>
              <Link href={`/events${query({ pod })}`}>All events of the pod</Link>
            </li>
            <li>
              <Link href={`/incidents${query({ pod })}`}>Its incidents</Link>
            </li>
          </>
        )}
        {process === null ? null : (
          <>
            <li>
              <Link href={`/events${query({ exec_id: process.exec_id })}`}>All events of the process</Link>
            </li>
            <li>
              <Link href={`/connections${query({ exec_id: process.exec_id })}`}>Its connections</Link>
            </li>
          </>
        )}
      </ul>
      {pod === null || process === null ? null : <Fired pod={pod} execId={process.exec_id} />}
      <h3>Fields</h3>
      <dl className="event-fields">
        {Object.entries(fields).map(([name, value]) => {
          const text = Array.isArray(value) ? value.join(', ') : String(value);
          const first = Array.isArray(value) ? (value[0] ?? '') : String(value);
          return (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{visible(cut(text, VALUE_CHARS))}</code>
                <span className="field-ways">
                  <button
                    type="button"
                    className="link"
                    aria-label={`only this ${name}`}
                    onClick={() => onFilter(`${name}=${literal(first)}`)}
                  >
                    only
                  </button>
                  <button
                    type="button"
                    className="link"
                    aria-label={`not this ${name}`}
                    onClick={() => onFilter(`${name}!=${literal(first)}`)}
                  >
                    not
                  </button>
                  {columns.includes(name) ? null : (
                    <button type="button" className="link" aria-label={`column ${name}`} onClick={() => onColumn(name)}>
                      column
                    </button>
                  )}
                </span>
              </dd>
            </div>
          );
        })}
      </dl>
      <details onToggle={({ currentTarget }) => setShowsRaw(currentTarget.open)}>
        <summary>As the sensor printed it</summary>
        {showsRaw ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
          <pre tabIndex={0}>{json(event.raw)}</pre>
        ) : null}
      </details>
    </aside>
  );
}

/** A value that means itself: `*` and `?` would stand for anything. */
const literal = (value: string): string => value.replace(/[\\*?]/g, '\\$&');

/** What fired on the event's process or on one that it led to, and the way to the incident. */
function Fired({ pod, execId }: { readonly pod: string; readonly execId: string }) {
  const list = useQuery({
    queryKey: ['pod', pod, 'alerts'],
    queryFn: () => get<Page<Alert>>(`/alerts${query({ pod, limit: ALERTS_MAX })}`),
    meta: { live: true },
  });
  const alerts = (list.data?.items ?? []).filter(({ process, ancestors }) =>
    [process, ...ancestors].some(each => each?.exec_id === execId),
  );
  if (alerts.length === 0) return null;
  const incidents = [...new Set(alerts.map(({ incident_id }) => incident_id))].filter(id => id !== '');
  const worst = LEVELS.flatMap(level => alerts.filter(({ rule }) => rule.level === level));
  return (
    <>
      <h3>What fired on it, or on what it started</h3>
      <ul className="plain">
        {incidents.map(id => (
          <li key={id}>
            <Link href={`/incidents/${id}`}>The incident {id.slice(0, ID_CHARS)}</Link>
          </li>
        ))}
        {worst.slice(0, ALERTS_SHOWN).map(({ id, rule }) => (
          <li key={id}>
            <Level level={rule.level} /> <Link href={`/alerts/${id}`}>{rule.title}</Link>
          </li>
        ))}
        {worst.length > ALERTS_SHOWN ? (
          <li className="quiet">and {count(worst.length - ALERTS_SHOWN, 'alert')} more</li>
        ) : null}
      </ul>
    </>
  );
}
