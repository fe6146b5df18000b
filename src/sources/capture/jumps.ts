/**
 * Events of a recording whose sensor's clock was far ahead. Everybody's time is event time: one of them taken as it is would make all
 * that follows late. Whether a jump of the clock is a leap of one sensor or a night between two parts of a recording is seen in what
 * comes after it, so that a bounded number of events is looked at first. Only jumpers that are the minority are put aside.
 */
import type { Event } from '../../model/event.ts';
import { MICROS_PER_SECOND, type Micros } from '../../model/time.ts';

/** A jump below this is not asked about. */
const JUMP: Micros = 86_400 * MICROS_PER_SECOND;
/** With nothing before it to compare with, less than this may also be an export that begins with the newest. */
const FIRST_JUMP: Micros = 365 * JUMP;
/** Events that are looked at behind a jump. */
const LOOK_AHEAD_EVENTS = 128;
/** Fewer events that say otherwise prove nothing. */
const WITNESSES_MIN = 4;

/** An event, and the line that it stood in. */
export interface Placed {
  readonly event: Event;
  readonly line: number;
}

export interface JumpsOptions {
  give(placed: Placed): void;
  /** Events that are no part of the recording's time, and those between and after them, which are given next. */
  putAside(jumpers: readonly Placed[], rest: readonly Placed[]): readonly Placed[];
}

export class Jumps {
  readonly #options: JumpsOptions;
  /** A jumper and what came after it. */
  #held: Placed[] = [];
  /** The newest time that was given; null before any. */
  #newest: Micros | null = null;

  constructor(options: JumpsOptions) {
    this.#options = options;
  }

  push(placed: Placed): void {
    if (this.#held.length === 0 && !this.#jumps(placed.event)) {
      this.#give(placed);
      return;
    }
    this.#held.push(placed);
    if (this.#held.length > LOOK_AHEAD_EVENTS) this.#decide();
  }

  /** Nothing comes any more: what is held is decided by what there is. */
  end(): void {
    while (this.#held.length > 0) this.#decide();
  }

  #jumps({ time }: Event): boolean {
    return this.#newest === null || time - this.#newest > JUMP;
  }

  #give(placed: Placed): void {
    const { time } = placed.event;
    if (this.#newest === null || time > this.#newest) this.#newest = time;
    this.#options.give(placed);
  }

  /** Settles the first that is held, or all that is held. */
  #decide(): void {
    const held = this.#held;
    this.#held = [];
    const first = (held[0] as Placed).event;
    const least = this.#newest === null ? FIRST_JUMP : JUMP;
    const isBelow = ({ event }: Placed): boolean => first.time - event.time > least;
    if (this.#isJumper(first, held.filter(isBelow), held)) {
      const jumpers = held.filter(placed => !isBelow(placed));
      for (const placed of this.#options.putAside(jumpers, held.filter(isBelow))) this.#give(placed);
      return;
    }
    this.#give(held[0] as Placed);
    for (const placed of held.slice(1)) this.push(placed);
  }

  #isJumper(first: Event, below: readonly Placed[], held: readonly Placed[]): boolean {
    const witnesses = below.filter(bearsWitness);
    if (witnesses.length < WITNESSES_MIN || witnesses.length * 2 <= held.filter(bearsWitness).length) return false;
    const times = witnesses.map(({ event }) => event.time);
    const newest = Math.max(this.#newest ?? Number.NEGATIVE_INFINITY, ...times);
    // Parts of a recording that lie as far from one another are no clock gone wrong.
    return first.time - newest > newest - Math.min(...times);
  }
}

/** A process that runs already is told with the time of its start, however long ago. */
function bearsWitness({ event }: Placed): boolean {
  return event.kind !== 'process_exec' || !event.process.flags.includes('procFS');
}
