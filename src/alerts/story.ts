/** The headline of an incident: one sentence that names the worst things, where, and how long after the pod had started. */
import { MICROS_PER_SECOND, parseInstant } from '../model/time.ts';
import { type Alert, LEVELS, type Level } from './alert.ts';
import { cutWords } from './text.ts';

const PARTS_TOLD_MAX = 3;
const PARTS_KEPT_MAX = 64;
/** A flood of one kind must not push out what else happened. */
const PARTS_PER_TOPIC_MAX = 4;
const PART_CHARS_MAX = 100;
/** A pod that leaves less room than this for what happened in it is not named: the incident lists its pods. */
const WHAT_CHARS_MIN = 40;
/** A phrase that says less than this is no headline, such as `shop/web:` before a command line. */
const PHRASE_CHARS_MIN = 20;
/** A delay below this is a start like any other. */
const DELAY_SECONDS_MIN = 60;
/** `attack.t1059.004` is a technique, `attack.execution` a tactic. */
const TACTIC = /^attack\.(?!t\d)/;

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
  /** ATT&CK tactics (the rule where it names none) and the place: a part adds to a story what no other told. */
  readonly topics: readonly string[];
  /** Seconds from the start of the container to the alert; null when not known. */
  readonly delay: number | null;
  readonly hasDestination: boolean;
}

export const severity = (level: Level): number => LEVELS.indexOf(level);

/** Alerts below it are context: they join an incident, but open none. */
export function opensIncident(alert: Alert): boolean {
  return severity(alert.rule.level) >= severity('medium');
}

export function podOfAlert(alert: Alert): string {
  return alert.pod === null ? '' : `${alert.pod.namespace}/${alert.pod.name}`;
}

function delayOf(alert: Alert): number | null {
  const started = alert.container?.start_time ?? null;
  const from = started === null ? null : parseInstant(started);
  const to = parseInstant(alert.time);
  return from === null || to === null ? null : Math.floor((to.time - from.time) / MICROS_PER_SECOND);
}

function topicsOf(alert: Alert): readonly string[] {
  const tactics = alert.rule.tags.filter(tag => TACTIC.test(tag));
  return [...(tactics.length === 0 ? [alert.rule.id] : tactics), podOfAlert(alert)];
}

export function partOf(alert: Alert): StoryPart {
  return {
    alert: alert.id,
    time: alert.time,
    level: alert.rule.level,
    message: alert.message,
    pod: podOfAlert(alert),
    about: alert.process?.exec_id ?? alert.key,
    topics: topicsOf(alert),
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
  const topics = part.topics.join();
  const same = parts.filter(p => p.topics.join() === topics);
  if (same.length > PARTS_PER_TOPIC_MAX) parts.splice(parts.indexOf(same.at(-1)!), 1);
  if (parts.length > PARTS_KEPT_MAX) parts.pop();
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

/** The worst, then the worst of those that add something new: three shells are less of a story than a shell and a leak. */
function choose(parts: readonly StoryPart[]): StoryPart[] {
  const told: StoryPart[] = [];
  const about = new Set<string>();
  const topics = new Set<string>();
  const mildest = Math.max(0, ...parts.map(part => severity(part.level))) - 1;
  for (const part of parts) {
    if (told.length === PARTS_TOLD_MAX || severity(part.level) < mildest) break;
    if (about.has(part.about) || part.topics.every(topic => topics.has(topic))) continue;
    about.add(part.about);
    for (const topic of part.topics) topics.add(topic);
    told.push(part);
  }
  return told;
}

/** Whether the character belongs to a name; a full stop ends a sentence as well as it joins names. */
function isInName(text: string, at: number): boolean {
  return /[\w/-]/.test(text.charAt(at)) || (text.charAt(at) === '.' && /\w/.test(text.charAt(at + 1)));
}

/** Where ` in <pod>` stands in a text, -1 when it does not: `in shop/web-2` does not name `shop/web`. */
function whereIndex(text: string, where: string): number {
  let at = text.indexOf(where);
  while (at >= 0 && isInName(text, at + where.length)) at = text.indexOf(where, at + 1);
  return at;
}

/** At most `max` characters: the arguments behind a colon go first, then the last words. */
function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const colon = text.indexOf(': ');
  return colon >= PHRASE_CHARS_MIN && colon <= max ? text.slice(0, colon) : cutWords(text, max);
}

/** What happened, and where unless the reader `knows`. */
function partText({ message, pod }: StoryPart, knows: boolean): string {
  const whole = message.replace(/ \(\d+\)/g, '').replace(/\.$/, '');
  const where = ` in ${pod}`;
  // A message that names its pod first would be cut to nothing but that name.
  const lead = `${pod}: `;
  const text = pod !== '' && whole.startsWith(lead) ? whole.slice(lead.length) : whole;
  if (knows) {
    const at = pod === '' ? -1 : whereIndex(text, where);
    return shorten(at < 0 ? text : text.slice(0, at) + text.slice(at + where.length), PART_CHARS_MAX);
  }
  const short = shorten(text, PART_CHARS_MAX);
  if (short.includes(pod)) return short;
  const room = PART_CHARS_MAX - where.length;
  return room < WHAT_CHARS_MIN ? short : `${shorten(text, room)}${where}`;
}

/** `parts` are worst first, as `addPart` keeps them. */
export function headline(parts: readonly StoryPart[]): string {
  const told = choose(parts);
  told.sort((a, b) => byText(a.time, b.time) || byText(a.alert, b.alert));
  let pod = '';
  const sentence = told.map(part => {
    // A pod is named where the story enters it, not again for every step.
    const knows = part.pod === '' || part.pod === pod;
    pod = part.pod;
    return partText(part, knows);
  });
  const delay = told[0]?.delay ?? null;
  const late =
    delay !== null && delay >= DELAY_SECONDS_MIN ? `, ${duration(delay)} after its container had started` : '';
  return `${sentence.join(', then ')}${late}`;
}
