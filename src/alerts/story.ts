/** The headline of an incident: one sentence that names the worst things, where, and how long after the pod had started. */
import { MICROS_PER_SECOND, parseInstant } from '../model/time.ts';
import { type Alert, LEVELS, type Level } from './alert.ts';
import { cut } from './build.ts';

const PARTS_TOLD_MAX = 3;
const PARTS_KEPT_MAX = 64;
const TITLE_CHARS_MAX = 320;
const PART_CHARS_MAX = 140;
/** A delay below this is a start like any other. */
const DELAY_SECONDS_MIN = 60;

/** What an alert contributes. */
export interface StoryPart {
  readonly alert: string;
  readonly time: string;
  readonly level: Level;
  readonly message: string;
  /** `namespace/name`, or ''. */
  readonly pod: string;
  /** Alerts about one process say much the same: only its worst is told. */
  readonly about: string;
  /** Seconds from the start of the container to the alert; null when not known. */
  readonly delay: number | null;
  readonly hasDestination: boolean;
}

export const severity = (level: Level): number => LEVELS.indexOf(level);

export function podOfAlert(alert: Alert): string {
  return alert.pod === null ? '' : `${alert.pod.namespace}/${alert.pod.name}`;
}

function delayOf(alert: Alert): number | null {
  const started = alert.container?.start_time ?? null;
  const from = started === null ? null : parseInstant(started);
  const to = parseInstant(alert.time);
  return from === null || to === null ? null : Math.floor((to.time - from.time) / MICROS_PER_SECOND);
}

export function partOf(alert: Alert): StoryPart {
  return {
    alert: alert.id,
    time: alert.time,
    level: alert.rule.level,
    message: alert.message,
    pod: podOfAlert(alert),
    about: alert.process?.exec_id ?? alert.key,
    delay: delayOf(alert),
    hasDestination: alert.flows.length > 0,
  };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function worstFirst(a: StoryPart, b: StoryPart): number {
  return (
    severity(b.level) - severity(a.level) ||
    Number(b.hasDestination) - Number(a.hasDestination) ||
    byText(a.time, b.time) ||
    byText(a.alert, b.alert)
  );
}

/** Adds a part in order, worst first; the mildest falls off beyond the bound. */
export function addPart(parts: StoryPart[], part: StoryPart): void {
  if (parts.some(p => p.alert === part.alert)) return;
  const at = parts.findIndex(p => worstFirst(part, p) < 0);
  parts.splice(at < 0 ? parts.length : at, 0, part);
  if (parts.length > PARTS_KEPT_MAX) parts.pop();
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

/** `parts` are worst first, as `addPart` keeps them. */
export function headline(parts: readonly StoryPart[]): string {
  const told: StoryPart[] = [];
  const about = new Set<string>();
  for (const part of parts) {
    if (told.length === PARTS_TOLD_MAX) break;
    if (about.has(part.about) || told.some(p => p.message === part.message)) continue;
    about.add(part.about);
    told.push(part);
  }
  told.sort((a, b) => byText(a.time, b.time) || byText(a.alert, b.alert));
  let pod = '';
  const sentence = told.map(part => {
    let text = part.message.replace(/\.$/, '');
    // A pod is named where the story enters it, not again for every step.
    if (part.pod !== '' && part.pod === pod) text = text.replace(` in ${part.pod}`, '');
    else if (part.pod !== '' && !text.includes(part.pod)) text = `${text} in ${part.pod}`;
    pod = part.pod;
    return cut(text, PART_CHARS_MAX);
  });
  const delay = told[0]?.delay ?? null;
  const late =
    delay !== null && delay >= DELAY_SECONDS_MIN ? `, ${duration(delay)} after its container had started` : '';
  return `${cut(sentence.join(', then '), TITLE_CHARS_MAX - late.length)}${late}`;
}
