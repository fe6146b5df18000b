/** Story → Block Kit. Foreign text stands only in plain_text and rich_text_preformatted, where nothing of it can act. */
import { type AlertStory, cut, type Story } from './story.ts';

/** Slack's own limits, but `payloadBytesMax`, which keeps a message readable and far from the API's ceiling. */
export const SLACK_LIMITS = {
  blocksMax: 50,
  headerMax: 150,
  fieldsMax: 10,
  fieldMax: 2_000,
  textMax: 3_000,
  payloadBytesMax: 9_900,
} as const;

const EMOJI: Readonly<Record<string, string>> = {
  critical: '🔴',
  high: '🟠',
  medium: '🟡',
  low: '🔵',
  informational: '⚪',
};
/** Tried in turn until the whole fits: characters a text, alerts in full. The last always fits. */
const BUDGETS: readonly (readonly [number, number])[] = [
  [2_900, 3],
  [1_400, 3],
  [700, 2],
  [350, 1],
  [120, 1],
];

export interface SlackMessage {
  /** Shown in notifications, parsed as markup: only words that no attacker can choose. */
  readonly text: string;
  readonly blocks: readonly object[];
  readonly unfurl_links: false;
  readonly unfurl_media: false;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Escapes `& < >`, the only characters that Slack wants escaped, and cuts by code point to `max` characters, entities whole. */
export function escapeSlack(text: string, max: number): string {
  let out = '';
  for (const character of text) {
    const next = ENTITIES[character] ?? character;
    if (out.length + next.length > max) return `${shorten(out, max)}…`;
    out += next;
  }
  return out;
}

/** Makes room for the ellipsis. */
function shorten(escaped: string, max: number): string {
  if (escaped.length < max) return escaped;
  return escaped.replace(/(?:&(?:amp|lt|gt);|[\ud800-\udbff][\udc00-\udfff]|[\s\S])$/, '');
}

const plain = (text: string, max: number): object => ({
  type: 'plain_text',
  text: escapeSlack(text, max),
  emoji: false,
});

function preformatted(label: string, lines: readonly string[], max: number): object[] {
  if (lines.length === 0) return [];
  return [
    {
      type: 'rich_text',
      elements: [
        { type: 'rich_text_section', elements: [{ type: 'text', text: label, style: { bold: true } }] },
        // The text of rich text is data, not markup: nothing in it needs escaping.
        { type: 'rich_text_preformatted', elements: [{ type: 'text', text: cutMiddle(lines, max) }] },
      ],
    },
  ];
}

/** The last line is the process itself, the most telling: long chains lose their top. */
function cutMiddle(lines: readonly string[], max: number): string {
  const each = Math.max(Math.floor(max / 2), 40);
  const kept: string[] = [];
  let room = max;
  for (const line of [...lines].reverse()) {
    const shown = cut(line, each);
    if (shown.length + 1 > room) {
      kept.push('…');
      break;
    }
    room -= shown.length + 1;
    kept.push(shown);
  }
  return kept.reverse().join('\n');
}

function alertBlocks(alert: AlertStory, budget: number, titled: boolean): object[] {
  const fields = alert.facts
    .slice(0, SLACK_LIMITS.fieldsMax)
    .map(({ label, value }) => plain(`${label}\n${value}`, Math.min(budget, SLACK_LIMITS.fieldMax)));
  return [
    ...(titled ? [{ type: 'section', text: plain(`${alert.level.toUpperCase()}: ${alert.headline}`, budget) }] : []),
    { type: 'section', fields },
    ...preformatted('Process', alert.chain, budget),
    ...preformatted('Destinations', alert.destinations, budget),
  ];
}

function render(story: Story, budget: number, alertsMax: number): SlackMessage {
  const shown = story.alerts.slice(0, alertsMax);
  const more = story.alerts.length - shown.length;
  const title = `${EMOJI[story.level] ?? ''} ${story.badge}: ${story.headline}`;
  const longTitle = title.length > SLACK_LIMITS.headerMax;
  const blocks: object[] = [
    { type: 'header', text: plain(title, SLACK_LIMITS.headerMax) },
    ...(story.change === '' ? [] : [{ type: 'section', text: plain(story.change, budget) }]),
    ...(longTitle ? [{ type: 'section', text: plain(story.headline, budget) }] : []),
    ...shown.flatMap(alert => alertBlocks(alert, budget, story.alerts.length > 1)),
    ...(more > 0
      ? [
          {
            type: 'context',
            elements: [plain(`and ${more} more ${more === 1 ? 'alert' : 'alerts'} of this incident`, 200)],
          },
        ]
      : []),
    ...(story.link === null
      ? []
      : [
          {
            type: 'section',
            text: { type: 'mrkdwn', text: `<${escapeSlack(story.link, 2_000)}|Open the incident>`, verbatim: true },
          },
        ]),
  ];
  const text = `${story.badge}: ${story.alerts[0]?.title ?? 'incident'}`;
  return { text: escapeSlack(text, SLACK_LIMITS.headerMax), blocks, unfurl_links: false, unfurl_media: false };
}

/** A message within all of Slack's limits: long texts shrink first, then alerts after the gravest. */
export function slackMessage(story: Story): SlackMessage {
  let message: SlackMessage | undefined;
  for (const [budget, alertsMax] of BUDGETS) {
    message = render(story, budget, alertsMax);
    if (Buffer.byteLength(JSON.stringify(message)) <= SLACK_LIMITS.payloadBytesMax) break;
  }
  return message as SlackMessage;
}
