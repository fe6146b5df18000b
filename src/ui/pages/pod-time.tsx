/** The time at which a pod is shown: now, or any that is still recorded. It stands in the address. */
import { useQuery } from '@tanstack/react-query';
import { type ChangeEvent, type FormEvent, useState } from 'react';
import type { Gap, PodPictureView, StatusView } from '../../api/contract.ts';
import { get } from '../api.ts';
import { count, instant, visible } from '../text.ts';
import './pod-time.css';

const MINUTE_MS = 60_000;
const AGO_MINUTES = [5, 15, 60] as const;
const SLIDER_MS = 60 * MINUTE_MS;
const STEP_MS = 1_000;
const GAPS_SHOWN = 5;

interface PodTimeProps {
  /** RFC 3339; '' for now. */
  readonly at: string;
  readonly onChange: (at: string) => void;
}

const text = (ms: number): string => new Date(ms).toISOString();

/** A button for each time that is often asked for, a slider over the last hour, and a field for any other. */
export function PodTime({ at, onChange }: PodTimeProps) {
  const status = useQuery({
    queryKey: ['status'],
    queryFn: () => get<StatusView>('/status'),
    meta: { live: true },
  });
  // The present of what is watched: a recording that is played has one of its own.
  const now = Date.parse(status.data?.watermark ?? '');
  const shown = at === '' ? now : Date.parse(at);
  const [dragged, setDragged] = useState<number | null>(null);
  const drop = (): void => {
    if (dragged !== null) onChange(dragged >= now ? '' : text(dragged));
    setDragged(null);
  };
  const enter = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const typed = String(new FormData(event.currentTarget).get('at') ?? '').trim();
    onChange(typed);
  };
  return (
    <div className="pod-time">
      <fieldset className="choices">
        <legend>Time</legend>
        <button type="button" aria-pressed={at === ''} onClick={() => onChange('')}>
          Now
        </button>
        {Number.isNaN(now)
          ? null
          : AGO_MINUTES.map(minutes => (
              <button key={minutes} type="button" onClick={() => onChange(text(now - minutes * MINUTE_MS))}>
                {minutes} min ago
              </button>
            ))}
      </fieldset>
      {Number.isNaN(now) ? null : (
        <label>
          Within the last hour
          <input
            type="range"
            min={now - SLIDER_MS}
            max={now}
            step={STEP_MS}
            value={Math.min(Math.max(dragged ?? shown, now - SLIDER_MS), now)}
            aria-valuetext={instant(text(dragged ?? (Number.isNaN(shown) ? now : shown)))}
            onChange={({ target }: ChangeEvent<HTMLInputElement>) => setDragged(Number(target.value))}
            onPointerUp={drop}
            onKeyUp={drop}
            onBlur={drop}
          />
        </label>
      )}
      <form onSubmit={enter}>
        <label>
          As of
          <input key={at} name="at" type="text" defaultValue={at} placeholder="2026-01-31T12:00:00Z" size={26} />
        </label>
        <button type="submit">Show</button>
      </form>
    </div>
  );
}

interface PastNoticeProps {
  readonly at: string;
  readonly past: PodPictureView['past'];
  readonly gaps: readonly Gap[];
}

const key = ({ source, node, from, reason }: Gap): string => `${from} ${source} ${node} ${reason}`;

/** What the picture of a past time is made of, and what was lost in it. */
export function PastNotice({ at, past, gaps }: PastNoticeProps) {
  const until = past === null ? null : at;
  const known = new Map([...gaps, ...(past?.gaps ?? [])].map(gap => [key(gap), gap]));
  const lost = [...known.values()].filter(
    ({ from, to }) =>
      until === null || (Date.parse(from) <= Date.parse(until) && Date.parse(to) >= Date.parse(past?.from ?? from)),
  );
  return (
    <>
      {past === null ? null : (
        <p className="note">
          As it was at {instant(at)}, from what was recorded since {instant(past.from)}
          {past.is_whole ? '' : '; there was more than is read at once: choose an earlier time to see its beginning'}.
        </p>
      )}
      {lost.length === 0 ? null : (
        <div className="note" role="note">
          <p>
            <strong>{count(lost.length, 'gap')} in what is shown:</strong> something may have gone unseen.
          </p>
          <ul className="plain">
            {lost.slice(0, GAPS_SHOWN).map(gap => (
              <li key={key(gap)}>
                {visible(gap.source)}
                {gap.node === '' ? '' : ` on ${visible(gap.node)}`}, {instant(gap.from)} to {gap.to.slice(11, 19)}:{' '}
                {gap.count === 0 ? 'events' : count(gap.count, 'event')} lost, {visible(gap.reason)}
              </li>
            ))}
          </ul>
          {lost.length > GAPS_SHOWN ? <p className="quiet">and {lost.length - GAPS_SHOWN} more</p> : null}
        </div>
      )}
    </>
  );
}
