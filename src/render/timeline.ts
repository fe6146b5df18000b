/** What happened in an incident, a line each, oldest first. */
import type { Level } from '../rules/rule.ts';
import { clock, shown } from './alert.ts';
import { counted } from './counted.ts';
import type { Style } from './style.ts';

export type TimelineLine =
  | { readonly type: 'event'; readonly time: string; readonly kind: string; readonly summary: string }
  | {
      readonly type: 'alert';
      readonly time: string;
      readonly rule: string;
      readonly level: Level;
      readonly message: string;
    }
  | {
      readonly type: 'action';
      readonly time: string;
      readonly actor: string;
      readonly action: string;
      readonly reason: string;
    }
  | {
      readonly type: 'gap';
      readonly time: string;
      readonly source: string;
      readonly count: number;
      readonly reason: string;
    };

const SHOWN_MAX = 200;

function lineOf(entry: TimelineLine, style: Style): string {
  switch (entry.type) {
    case 'event':
      return style.dim(`${entry.kind.padEnd(16)} ${shown(entry.summary, 160)}`);
    case 'alert':
      return `${style.level(entry.level, entry.level.toUpperCase().padEnd(16))} ${shown(entry.rule)}: ${shown(entry.message, 240)}`;
    case 'action':
      return `${shown(entry.action).padEnd(16)} ${shown(entry.actor)}${entry.reason === '' ? '' : `: ${shown(entry.reason)}`}`;
    case 'gap': {
      const lost = entry.count === 0 ? 'events' : counted(entry.count, 'event');
      return style.yellow(`${'lost'.padEnd(16)} ${lost} of ${shown(entry.source)}: ${shown(entry.reason)}`);
    }
  }
}

export function timelineLines(items: readonly TimelineLine[], style: Style): string[] {
  const lines = items.slice(0, SHOWN_MAX).map(entry => `${style.dim(clock(entry.time))}  ${lineOf(entry, style)}`);
  if (items.length > SHOWN_MAX)
    lines.push(style.dim(`${counted(items.length - SHOWN_MAX, 'later entry', 'later entries')}: -o json has them all`));
  return lines;
}
