/** Text that is too long for its place, cut where a reader would. */

/** What a cut must not fall into: `\n`, `\x1b`, `\u202e`, `\u{1f600}`, `\033`, `%2F`. */
const OPEN_ESCAPE = /(?:\\(?:x[\da-f]{0,2}|u[\da-f]{0,4}|u\{[\da-f]{0,6}\}?|[0-7]{1,3}|.?)|%[\da-f]{0,2})$/iu;
const ESCAPE = /^(?:\\(?:x[\da-f]{2}|u[\da-f]{4}|u\{[\da-f]{1,6}\}|[0-7]{3}|[^xu0-7])|%[\da-f]{2})/iu;
const ESCAPE_CHARS_MAX = 10;

/** The longest beginning of at most `max` UTF-16 units that splits no character and no escape. */
function beginning(text: string, max: number): string {
  let end = max;
  const unit = text.charCodeAt(end - 1);
  if (unit >= 0xd800 && unit <= 0xdbff) end--;
  const open = OPEN_ESCAPE.exec(text.slice(Math.max(0, end - ESCAPE_CHARS_MAX), end));
  if (open === null) return text.slice(0, end);
  const start = end - open[0].length;
  const whole = ESCAPE.exec(text.slice(start, start + ESCAPE_CHARS_MAX));
  return text.slice(0, whole !== null && start + whole[0].length > end ? start : end);
}

/** At most `max` UTF-16 units, never half a character or escape, with an ellipsis when something is missing. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${beginning(text, max - 1)}…`;
}

/** At most `max` UTF-16 units of whole words, with an ellipsis in place of those that are missing; a single word is cut as `cut` does. */
export function cutWords(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = text.slice(0, max - 1);
  const end = head.search(/\s\S*$/u);
  const words = end < 0 ? '' : head.slice(0, end).trimEnd();
  return words === '' ? cut(text, max) : `${words} …`;
}
