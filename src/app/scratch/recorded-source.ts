/** The flight recorder as a source: what it holds from a time on, read beside whoever writes it. */
import { Observable } from 'rxjs/internal/Observable';
import { Problem } from '../../api/problem.ts';
import { MICROS_PER_SECOND } from '../../model/time.ts';
import { type Batch, newCounters, type Source } from '../../sources/source.ts';
import { readRecording } from '../recording.ts';

/** The last `minutes` of event time, after the exec records of what still ran then. Throws a 409 problem when there are none. */
export async function recordedSource(database: string, minutes: number): Promise<Source> {
  const recorder = await readRecording(database);
  const newest = recorder?.newest ?? null;
  if (recorder === null || newest === null) {
    await recorder?.close();
    throw new Problem(409, 'nothing-recorded', 'nothing is recorded: recorder.keep is 0, or no event has come yet');
  }
  const from = newest - minutes * 60 * MICROS_PER_SECOND;
  const counters = newCounters();
  const name = 'recorder';
  let latest: number | null = null;
  return {
    name,
    type: 'capture',
    status: () => ({ name, type: 'capture', state: 'connected', detail: '', newest: latest, counters }),
    batches: () =>
      new Observable<Batch>(subscriber => {
        let isGone = false;
        const run = async (): Promise<void> => {
          for await (const part of recorder.read(segment => segment.to >= from)) {
            if (isGone) return;
            // Before that time only what tells whence processes come.
            const events = part
              .filter(({ seq, event }) => seq < 0 || event.time >= from || event.kind === 'process_exec')
              .map(({ event }) => event);
            if (events.length === 0) continue;
            counters.events += events.length;
            counters.batches += 1;
            for (const event of events) if (latest === null || event.time > latest) latest = event.time;
            await new Promise<void>(done => subscriber.next({ source: name, events, done }));
          }
        };
        run()
          .then(
            () => subscriber.complete(),
            (error: Error) => subscriber.error(error),
          )
          .finally(() => void recorder.close());
        return () => {
          isGone = true;
        };
      }),
  };
}
