/** The time under the picture: what happened when, and a hand that shows the picture as it was. */
import { useEffect, useRef, useState } from 'react';
import type { Level } from '../../api/contract.ts';
import { clock } from '../text.ts';

export interface Tick {
  /** RFC 3339. */
  readonly time: string;
  readonly level: Level | null;
}

export interface Hole {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

interface ScrubberProps {
  readonly ticks: readonly Tick[];
  readonly holes: readonly Hole[];
  /** RFC 3339; null for everything. */
  readonly at: string | null;
  readonly onChange: (at: string | null) => void;
  /** It plays by itself once, but for readers who asked for less motion. */
  readonly playsFirst?: boolean;
}

const PLAY_MS = 14_000;
const STEPS = 1_000;
const TICKS_MAX = 2_000;
/** Room before the first and after the last event, as a share of the whole. */
const MARGIN = 0.04;

export function Scrubber({ ticks, holes, at, onChange, playsFirst = false }: ScrubberProps) {
  const times = ticks.slice(0, TICKS_MAX).map(({ time }) => Date.parse(time));
  const first = Math.min(...times);
  const last = Math.max(...times);
  const margin = Math.max((last - first) * MARGIN, 250);
  const from = first - margin;
  const span = last - first + 2 * margin;
  const share = (ms: number): number => Math.min(1, Math.max(0, (ms - from) / span));
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (playsFirst && !matchMedia('(prefers-reduced-motion: reduce)').matches) setPlaying(true);
  }, [playsFirst]);
  const change = useRef(onChange);
  change.current = onChange;
  useEffect(() => {
    if (!playing) return;
    const begun = performance.now();
    let frame = requestAnimationFrame(function step(now: number) {
      const part = (now - begun) / PLAY_MS;
      if (part >= 1) {
        setPlaying(false);
        change.current(null);
        return;
      }
      change.current(new Date(from + part * span).toISOString());
      frame = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, from, span]);
  if (times.length < 2) return null;

  const value = at === null ? STEPS : Math.round(share(Date.parse(at)) * STEPS);
  const move = (step: number): void => {
    setPlaying(false);
    onChange(step >= STEPS ? null : new Date(from + (step / STEPS) * span).toISOString());
  };
  return (
    <div className="scrubber">
      <button type="button" onClick={() => setPlaying(held => !held)} aria-pressed={playing}>
        {playing ? 'Pause' : 'Play'}
      </button>
      <div className="scrubber-track">
        <svg viewBox={`0 0 ${STEPS} 24`} preserveAspectRatio="none" aria-hidden="true">
          <defs>
            <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <path d="M0 0V6" className="hatch" />
            </pattern>
          </defs>
          {holes.map(hole => (
            <rect
              key={`${hole.from} ${hole.to}`}
              className="hole"
              x={share(Date.parse(hole.from)) * STEPS}
              width={Math.max(2, (share(Date.parse(hole.to)) - share(Date.parse(hole.from))) * STEPS)}
              height={24}
            >
              <title>{hole.reason}</title>
            </rect>
          ))}
          {ticks.slice(0, TICKS_MAX).map((tick, place) => (
            <path
              // biome-ignore lint/suspicious/noArrayIndexKey: two ticks may be the same, and their order never changes.
              key={place}
              className={tick.level === null ? 'tick' : `tick level-${tick.level}`}
              d={`M${share(Date.parse(tick.time)) * STEPS} ${tick.level === null ? 12 : 2}V22`}
              vectorEffect="non-scaling-stroke"
            />
          ))}
        </svg>
        <input
          type="range"
          min={0}
          max={STEPS}
          value={value}
          aria-label="Time"
          aria-valuetext={at === null ? 'everything' : clock(at)}
          onChange={event => move(Number(event.target.value))}
        />
      </div>
      <output>{at === null ? 'everything' : clock(at)}</output>
    </div>
  );
}
