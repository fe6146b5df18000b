/** Recordings that are kept for a while, and the way to add one. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { ReplayView } from '../../api/contract.ts';
import { get } from '../api.ts';
import { ChooseCapture } from '../drop/drop.tsx';
import { PlayBreakIn } from '../drop/recorded.tsx';
import { instant, visible } from '../text.ts';
import { Read } from '../widgets.tsx';

const LOOK_EVERY_MS = 3_000;

export default function Replays() {
  const replays = useQuery({
    queryKey: ['replays'],
    queryFn: () => get<{ items: ReplayView[] }>('/replays'),
    refetchInterval: LOOK_EVERY_MS,
  });
  return (
    <>
      <title>Replays · Spoor</title>
      <h1>Replays</h1>
      <p>
        A recording of Tetragon or Hubble (or both, with .gz or without) dropped anywhere on the page is played in an
        engine of its own, beside what is live, and opens as a picture. The newest three of yours are kept, for an hour.{' '}
        <ChooseCapture /> <PlayBreakIn />
      </p>
      <Read of={replays} what="replays">
        {({ items }) =>
          items.length === 0 ? (
            <p className="empty">None are kept.</p>
          ) : (
            <ul className="incident-list">
              {items.map(({ id, input, state, kind, expires }) => (
                <li key={id}>
                  <Link href={`/replays/${id}`}>
                    <span className="tag">{kind === 'try' ? 'rule tried' : 'recording'}</span>
                    <span className="incident-title">{visible(input) || id}</span>
                    <span className="quiet">
                      {state}, kept until {instant(expires)}
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Read>
    </>
  );
}
