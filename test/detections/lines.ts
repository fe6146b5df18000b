/** Long tables of commands as lines of text, fields parted by ` | `; the command is the last and may hold bars itself. */
import type { Attack } from './attacks.ts';
import type { Benign } from './benign.ts';
import type { Entry } from './shell-events.ts';

function fields(line: string, count: number): string[] {
  const parts = line.split(' | ');
  return [...parts.slice(0, count), parts.slice(count).join(' | ')];
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');

/** `entry | techniques | command` */
export const attackLines = (text: string): Attack[] =>
  lines(text).map(line => {
    const [entry, techniques, command] = fields(line, 2) as [Entry, string, string];
    return { entry, techniques: techniques.split(' '), command };
  });

/** `entry[:server] | namespace/pod | kind | command`; a pod of a daemon set sees the node's processes. */
export const benignLines = (text: string): Benign[] =>
  lines(text).map(line => {
    const [entry, pod, kind, command] = fields(line, 3) as [string, string, string, string];
    const [by, server] = entry.split(':') as [Entry, string?];
    return {
      command,
      setting: {
        entry: by,
        pod,
        hostPid: kind === 'DaemonSet',
        ...(server === undefined ? {} : { server, serverArguments: '' }),
        ...(kind === '' ? {} : { kind }),
      },
    };
  });
