/** The flight recorder of a configuration: beside its database, one folder a database. */
import { existsSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { Gap } from '../model/gap.ts';
import { formatInstant, MICROS_PER_MS } from '../model/time.ts';
import { FlightRecorder } from '../recorder/recorder.ts';
import { JsonDecoder } from '../sources/json/decoder.ts';
import type { Store } from '../store/store.ts';
import type { Log } from './log.ts';
import { storedPosition } from './warm.ts';

/** What a restart lives through again, milliseconds: no more than there is. */
export const replayedMs = ({ keep, replay }: Config['recorder']): number => Math.min(keep, replay);

/** Where the recorder of a database keeps its files. */
export const recorderFolder = (database: string): string => `${database}-recorder`;

/** Where what was pushed and is not processed yet is kept. */
export const ingestFolder = (database: string): string => `${database}-ingest`;

/** Null where nothing is to be kept. `isKnown`: whether a process still matters; `onLost`: a part of it turned out unreadable. */
export async function openRecorder(
  config: Config,
  store: Pick<Store, 'state'>,
  log: Log,
  isKnown: (execId: string) => boolean,
  onLost: (gap: Gap) => void,
): Promise<FlightRecorder | null> {
  const { keep, size } = config.recorder;
  if (keep === 0 || config.store.path === ':memory:') return null;
  const recorder = await FlightRecorder.open(
    {
      path: recorderFolder(config.store.path),
      keep: keep * MICROS_PER_MS,
      window: replayedMs(config.recorder) * MICROS_PER_MS,
      bytesMax: size,
      decoder: () => new JsonDecoder({ source: 'recorder' }),
      isKnown,
      onProblem: (message, fields) => log('warn', message, fields),
      onLost: ({ from, to, count }) =>
        onLost({
          source: 'recorder',
          node: '',
          count,
          from: formatInstant(from),
          to: formatInstant(to),
          reason: 'a part of the recording is damaged: what was detected then stands, its events are gone',
        }),
    },
    (await storedPosition(store))?.seq,
  );
  // A capture is played from its beginning by every run: there is nothing to go on from.
  if (config.sources.every(source => source.type === 'capture')) await recorder.clear();
  return recorder;
}

/** The recording of a database to look at, whoever writes it meanwhile; null when there is none. */
export async function readRecording(database: string): Promise<FlightRecorder | null> {
  const path = recorderFolder(database);
  if (!existsSync(path)) return null;
  return FlightRecorder.open({
    path,
    keep: Number.POSITIVE_INFINITY,
    bytesMax: Number.POSITIVE_INFINITY,
    decoder: () => new JsonDecoder({ source: 'recorder' }),
    isKnown: () => true,
    onProblem: () => undefined,
    readOnly: true,
  });
}
