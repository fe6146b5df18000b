/** Alerts of an incident, each with its rule, its evidence and what to do. */
import { Link } from 'wouter';
import type { Alert, AlertEvidence } from '../../api/contract.ts';
import { clock, count, duration, instant, seconds, visible } from '../text.ts';
import { Level } from '../widgets.tsx';
import { Exception } from './exception.tsx';
import { Why } from './why.tsx';

export function Alerts({ alerts, more }: { readonly alerts: readonly Alert[]; readonly more: number }) {
  return (
    <>
      <ol className="alerts">
        {alerts.map(alert => (
          <li key={alert.id} id={`alert-${alert.id}`}>
            <details>
              <summary>
                <Level level={alert.rule.level} />
                <span className="alert-title">
                  <strong>{alert.rule.title}</strong>
                  {alert.count > 1 ? <span className="quiet"> × {alert.count}</span> : null}
                  {alert.confidence === 'low' ? <span className="tag">low confidence</span> : null}
                  {alert.incomplete ? <span className="tag">something unseen</span> : null}
                  <span className="quiet alert-message">{visible(alert.message)}</span>
                </span>
                <time dateTime={alert.time} title={instant(alert.time)} className="quiet">
                  {clock(alert.time)}
                </time>
              </summary>
              <AlertBody alert={alert} />
              <p>
                <Link href={`/alerts/${alert.id}`}>This alert by itself</Link>
              </p>
            </details>
          </li>
        ))}
      </ol>
      {more > 0 ? <p className="quiet">and {count(more, 'alert')} more, in the API and in the capture</p> : null}
    </>
  );
}

const isWeb = (url: string): boolean => /^https?:\/\//.test(url);

export function AlertBody({ alert, isWhyOpen = false }: { readonly alert: Alert; readonly isWhyOpen?: boolean }) {
  const { rule, risk, count: n, first_seen, last_seen } = alert;
  return (
    <div className="alert-body">
      {rule.description === '' ? null : <p>{visible(rule.description)}</p>}
      {rule.runbook === '' ? null : (
        <p>
          <strong>What to do:</strong> {visible(rule.runbook)}
        </p>
      )}
      {risk === undefined ? null : (
        <>
          <p>
            {visible(risk.message)}: {Math.round(risk.score)} points of {risk.threshold}
          </p>
          <ul>
            {risk.contributions.map(({ alert_id, rule: { title }, points, time }) => (
              <li key={`${alert_id} ${time}`}>
                {title} <span className="quiet">{Math.round(points)} points</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <Why alert={alert.id} isOpen={isWhyOpen} />
      <Exception alert={alert.id} />
      <h3>Because of</h3>
      {alert.evidence.length === 0 ? (
        <p className="quiet">Its evidence is not loaded; it is in the API and in the capture.</p>
      ) : null}
      <ol className="evidence">
        {alert.evidence.map((event, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: evidence never changes.
          <Evidence key={at} event={event} isStep={Object.keys(alert.steps).length > 1} />
        ))}
      </ol>
      {n > 1 ? (
        <p className="quiet">
          It fired {n} times over {duration(seconds(last_seen) - seconds(first_seen))}.
        </p>
      ) : null}
      <p className="quiet">
        {rule.tags.join(' · ')}
        {rule.author === '' ? '' : ` · ${visible(rule.author)}`}
      </p>
      {rule.references.length === 0 ? null : (
        <ul className="plain">
          {rule.references.map(url => (
            <li key={url}>
              {isWeb(url) ? (
                <a href={url} rel="noreferrer noopener" target="_blank">
                  {url}
                </a>
              ) : (
                visible(url)
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Evidence({ event, isStep }: { readonly event: AlertEvidence; readonly isStep: boolean }) {
  return (
    <li>
      <details>
        <summary>
          {isStep ? <span className="tag">{event.step}</span> : null} {event.kind}{' '}
          <span className="quiet">{clock(event.time)}</span> <code>{visible(summaryOf(event.raw))}</code>
        </summary>
        {/* Line breaks between fields are ours; those inside texts are escaped by JSON itself. */}
        <pre>{JSON.stringify(event.raw, null, 2).split('\n').map(visible).join('\n')}</pre>
      </details>
    </li>
  );
}

type Json = Readonly<Record<string, unknown>>;
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** One line about a sensor's record. */
function summaryOf(raw: unknown): string {
  const record = object(raw);
  const name = Object.keys(record).find(key => key === 'flow' || key.startsWith('process_'));
  const body = object(name === undefined ? undefined : record[name]);
  if (name === 'flow') {
    const ip = object(body.IP ?? body.ip);
    const ports = object(Object.values(object(body.l4))[0]);
    return `${text(ip.source)}:${ports.source_port ?? ''} → ${text(ip.destination)}:${ports.destination_port ?? ''} ${text(body.verdict)}`;
  }
  const process = object(body.process);
  return [text(body.function_name), text(process.binary), text(process.arguments)].filter(Boolean).join(' ');
}
