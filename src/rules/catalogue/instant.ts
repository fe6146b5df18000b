/** Parts of an instant as fields of their own: `event.time|hour`. Core has no calendar but this one: civil time in UTC. */
import { MICROS_PER_SECOND, type Micros } from '../../model/time.ts';
import type { Field } from './field.ts';

const DAY_S = 86_400;

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Proleptic Gregorian date of a day counted from 1970-01-01; eras of 400 years begin in March, so that leap days come last. */
function civil(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** ISO 8601 week: the one that holds its Thursday. */
function isoWeek(days: number): number {
  const thursday = days - ((days + 3) % 7) + 3;
  const { year } = civil(thursday);
  let first = thursday;
  while (civil(first - 7).year === year) first -= 7;
  return (thursday - first) / 7 + 1;
}

function partOf(time: Micros, part: string): number {
  const seconds = Math.floor(time / MICROS_PER_SECOND);
  const days = Math.floor(seconds / DAY_S);
  const second = seconds - days * DAY_S;
  switch (part) {
    case 'minute':
      return Math.floor(second / 60) % 60;
    case 'hour':
      return Math.floor(second / 3_600);
    case 'day':
      return civil(days).day;
    case 'week':
      return isoWeek(days);
    case 'month':
      return civil(days).month;
    default:
      return civil(days).year;
  }
}

/** The field that gives one part of an instant. It keeps the name of what it reads, which an index must not compare: hence `scalar`. */
export function datePartOf(field: Field, part: string): Field {
  return {
    ...field,
    type: 'scalar',
    get: (o, subject) => {
      const time = field.get(o, subject);
      return typeof time === 'number' ? partOf(time, part) : null;
    },
  };
}
