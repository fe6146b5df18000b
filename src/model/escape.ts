/** Attacker-made text made safe to look at. One function a place; each leaves ordinary Unicode as it is. */

// Controls drive terminals; surrogates are not text; the rest hides, reorders or breaks what a reader sees: bidi controls, line
// and paragraph separators, zero-width and tag characters, fillers, variation selectors, interlinear marks.
const UNSAFE =
  /\p{Control}|\p{Surrogate}|\p{Line_Separator}|\p{Paragraph_Separator}|\p{Bidi_Control}|\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb]/u;
const UNSAFE_ALL = new RegExp(UNSAFE.source, 'gu');

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) as number;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/**
 * One line of text that a terminal shows as it is: controls, escapes, bidi, zero-width and lone surrogates become `\n`, `\x1b`,
 * `\u202e`, `\u{e0041}`. Backslashes stay as they are, so that paths and patterns stay readable; the result is for eyes,
 * not for parsing back.
 */
export function escapeTerminal(text: string): string {
  return UNSAFE.test(text) ? text.replace(UNSAFE_ALL, visible) : text;
}

/** JSON text that a terminal shows as it is: the same value, with every unsafe character as `\uXXXX`. `json` must be valid JSON in one line. */
export function escapeJson(json: string): string {
  if (!UNSAFE.test(json)) return json;
  return json.replace(UNSAFE_ALL, character =>
    Array.from({ length: character.length }, (_, i) => unitEscape(character.charCodeAt(i))).join(''),
  );
}

const unitEscape = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
