import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Incident } from '../alerts/alert.ts';
import { alertText, incidentText } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { pictureLines } from '../render/picture-text.ts';
import { timelineLines } from '../render/timeline.ts';
import { cutTo } from '../render/width.ts';
import type { Io } from './io.ts';
import { findIncident, place, run } from './query.ts';
import type { Place, Reader } from './reader.ts';

const ALERTS_SHOWN_MAX = 100;

export function registerIncident(program: Command): void {
  place(
    program
      .command('incident')
      .description('One incident: its picture, what fired, its timeline')
      .argument('<id>', 'its id, or six characters or more of its beginning'),
  )
    .option('--capture <file>', "write the incident's evidence as a capture that can be replayed anywhere")
    .addHelpText(
      'after',
      `
Its processes with what they talked to, steps numbered in the order in which they happened. From a database it is drawn of what
its alerts remember, from a running Spoor also of what happened around them.

Examples:
  spoor incident 1f0c9a
  spoor incident 1f0c9a --db data/spoor.db
  spoor incident 1f0c9a -o json | jq .picture
  spoor incident 1f0c9a --capture incident.jsonl && spoor replay incident.jsonl`,
    )
    .action((id: string, _options, command: Command) =>
      run<Place & { capture?: string }>(command, async (reader, options, io) => {
        const incident = await findIncident(reader, id);
        if (options.capture === undefined) return show(reader, incident, io);
        const lines = await reader.capture(incident.id);
        writeFileSync(options.capture, lines.map(line => `${line}\n`).join(''), { mode: 0o600 });
        io.note(`${counted(lines.length, 'event')} in ${options.capture}`);
      }),
    );
}

async function show(reader: Reader, incident: Incident, io: Io): Promise<void> {
  const [picture, timeline, { items }] = await Promise.all([
    reader.incidentPicture(incident.id),
    reader.incidentTimeline(incident.id),
    reader.alerts({ incident: incident.id, limit: ALERTS_SHOWN_MAX }),
  ]);
  if (io.json) return io.record({ ...incident, picture, alerts: items, timeline });
  const { bold, dim } = io.style;
  io.out(`${incidentText(incident, io.style, true)}\n`);
  // A line that a terminal breaks tears the tree: only there it is cut.
  const columns = process.stdout.isTTY === true ? process.stdout.columns : Number.POSITIVE_INFINITY;
  for (const line of pictureLines(picture, io.style)) io.out(cutTo(line, columns));
  io.out(`\n${bold('What fired')}`);
  if (incident.alert_count > items.length) io.out(dim(`the latest ${items.length} of ${incident.alert_count}`));
  for (const alert of [...items].reverse()) io.out(`${alertText(alert, io.style, true)}\n`);
  io.out(bold('Timeline'));
  for (const line of timelineLines(timeline, io.style)) io.out(cutTo(line, columns));
}
