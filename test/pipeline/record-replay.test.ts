/** Replay = live: what was recorded of a live run, replayed, gives the same alerts, byte for byte. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlertChange } from '../../src/alerts/alert.ts';
import { Engine } from '../../src/engine.ts';
import type { Event } from '../../src/model/event.ts';
import { parseInstant } from '../../src/model/time.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { captureWriter } from '../../src/recorder/writer.ts';
import { captureSource } from '../../src/sources/capture/source.ts';
import { hubbleSource } from '../../src/sources/hubble/source.ts';
import { memoryQuarantine } from '../../src/sources/quarantine.ts';
import type { Source } from '../../src/sources/source.ts';
import { tetragonSource } from '../../src/sources/tetragon/source.ts';
import { temporaryFolder } from '../cli/cli.ts';
import { lines } from '../support/grpc/captures.ts';
import { encode } from '../support/grpc/encode.ts';
import { TestServer } from '../support/grpc/server.ts';
import { shippedRuleSet } from '../support/replay.ts';

const TYPES = { tetragon: 'tetragon.GetEventsResponse', hubble: 'observer.GetFlowsResponse' } as const;

type Message = Readonly<Record<string, unknown>>;

/** A server that sends a recording and `more` as fast as it is taken, then holds the stream open. */
async function serve(
  sensor: 'tetragon' | 'hubble',
  scenario: string,
  more: (last: Message) => Message[] = () => [],
): Promise<{ address: string; count: number }> {
  const recorded = lines(`${scenario}/${sensor}.jsonl.gz`).map(line => JSON.parse(line) as Message);
  const messages = [...recorded, ...more(recorded.at(-1) as Message)].map(message => encode(TYPES[sensor], message));
  const server = await TestServer.start(sensor, {
    script: async stream => {
      for (const message of messages) await stream.send(message);
    },
  });
  onTestFinished(() => server.stop());
  return { address: server.address, count: messages.length };
}

/** Reports that come after everything else, and say that events were lost while it happened. */
const LOSSES = {
  hubble: ({ node_name, time }: Message): Message[] => [
    {
      lost_events: { source: 'HUBBLE_RING_BUFFER', num_events_lost: '4711', first: '2026-01-01T00:00:00Z', last: time },
      node_name,
      time,
    },
  ],
  tetragon: ({ node_name, time }: Message): Message[] => [
    { rate_limit_info: { number_of_dropped_process_events: '12' }, node_name, time },
  ],
};

interface Run {
  readonly events: readonly Event[];
  readonly changes: readonly AlertChange[];
}

/** Until so many events have come. */
async function run(sources: readonly Source[], count: number, isLive: boolean): Promise<Run> {
  const events: Event[] = [];
  const changes: AlertChange[] = [];
  const pipeline = new Pipeline({
    engine: new Engine({ rules: shippedRuleSet() }),
    sources,
    ordering: isLive ? { latenessMs: 200, eventsMax: 100_000 } : null,
    onStep: step => {
      events.push(step.observation.event);
      changes.push(...step.changes);
      if (isLive && events.length === count) void pipeline.stop();
    },
  });
  await pipeline.run();
  expect(events.length).toBe(count);
  return { events, changes };
}

/** Both sensors at once, then what was recorded of them; the names of the sources are of no account. */
async function liveAndReplayed(scenario: string, losses: Partial<typeof LOSSES> = {}): Promise<[Run, Run]> {
  const tetragon = await serve('tetragon', scenario, losses.tetragon);
  const hubble = await serve('hubble', scenario, losses.hubble);
  const quarantine = memoryQuarantine();
  const since = parseInstant('2026-01-01T00:00:00Z')?.time ?? 0;
  const live = await run(
    [
      tetragonSource({ name: 'agents-eu', address: tetragon.address, quarantine }),
      hubbleSource({ name: 'relay-eu', address: hubble.address, quarantine, since: () => since }),
    ],
    tetragon.count + hubble.count,
    true,
  );
  const file = join(temporaryFolder(), 'recorded.jsonl.gz');
  const writer = captureWriter(file);
  await writer.write(live.events);
  await writer.close();
  // And the marker that says that it is in order.
  const replayed = await run([captureSource({ paths: [file], quarantine })], live.events.length + 1, false);
  return [live, replayed];
}

const texts = ({ changes }: Run): string[] => changes.map(change => JSON.stringify(change));

describe('a recording of a live run', () => {
  it.each(['lateral-movement', 'credential-theft', 'exfil'])(
    '%s: gives the same alerts, byte for byte',
    async scenario => {
      const [live, replayed] = await liveAndReplayed(scenario);
      expect(live.changes.filter(({ type }) => type === 'new').length).toBeGreaterThan(3);
      expect(texts(replayed)).toEqual(texts(live));
    },
  );

  it('makes the same alerts incomplete, when losses are reported after them', async () => {
    const [live, replayed] = await liveAndReplayed('lateral-movement', LOSSES);
    const amended = live.changes.filter(({ type }) => type === 'amended').map(({ alert }) => alert);
    expect(amended.length).toBeGreaterThan(3);
    for (const { incomplete, gaps } of amended)
      expect({ incomplete, gaps }).toMatchObject({ incomplete: true, gaps: [{ source: 'hubble', count: 4711 }] });
    expect(texts(replayed)).toEqual(texts(live));
  });
});
