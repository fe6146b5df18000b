/** The committed recordings: both sensors' events, decoded, and what really happened. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Event } from '../../src/model/event.ts';
import { JsonDecoder, Malformed } from '../../src/sources/json/decoder.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'captures');

export interface TrueConnection {
  readonly time_ns: number;
  readonly exec_id: string;
  readonly binary: string;
  readonly proto: 'tcp' | 'udp';
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
}

/** A recording: its folder, and the folder that has what it shares with another. */
export interface Recording {
  readonly name: string;
  readonly tetragon: string;
  readonly hubble: string;
  readonly truth: string;
}

/** Every folder with flows; the variants of flows alone were recorded beside the processes of `lateral-movement`. */
export function recordings(): Recording[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .filter(path => path.endsWith('hubble.jsonl.gz'))
    .map(path => dirname(path))
    .sort()
    .map(name => {
      const own = existsSync(join(root, name, 'tetragon.jsonl.gz')) ? name : 'lateral-movement';
      return { name, tetragon: own, hubble: name, truth: own };
    });
}

/** The events of one file, in its order. */
export function eventsOf(folder: string, sensor: 'tetragon' | 'hubble'): Event[] {
  const bytes = gunzipSync(readFileSync(join(root, folder, `${sensor}.jsonl.gz`)));
  const decoder = new JsonDecoder({ source: sensor });
  const events: Event[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    const event = decoder.decode(bytes, start, end);
    if (event !== null && !(event instanceof Malformed)) events.push(event);
    start = end + 1;
  }
  return events;
}

/** As a capture source merges files: by time, each file in its own order. */
export function merged(a: readonly Event[], b: readonly Event[]): Event[] {
  const all: Event[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const x = a[i];
    const y = b[j];
    if (y === undefined || (x !== undefined && x.time <= y.time)) {
      all.push(x as Event);
      i++;
    } else {
      all.push(y);
      j++;
    }
  }
  return all;
}

/** The connections of steps and noise together. */
export function truthOf(folder: string): TrueConnection[] {
  const text = readFileSync(join(root, folder, 'truth.json'), 'utf8');
  const truth = JSON.parse(text) as Record<string, { connections: TrueConnection[] }[]>;
  return [...(truth.steps ?? []), ...(truth.noise ?? [])].flatMap(step => step.connections);
}
