/** Replay = live: what was recorded of a live run, replayed, gives the same alerts, byte for byte. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { Engine } from '../../src/engine.ts';
import type { Event } from '../../src/model/event.ts';
import { parseInstant } from '../../src/model/time.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { captureWriter } from '../../src/recorder/writer.ts';
import { hubbleSource } from '../../src/sources/hubble/source.ts';
import { memoryQuarantine } from '../../src/sources/quarantine.ts';
import { tetragonSource } from '../../src/sources/tetragon/source.ts';
import { temporaryFolder } from '../cli/cli.ts';
import { lines } from '../support/grpc/captures.ts';
import { encode } from '../support/grpc/encode.ts';
import { TestServer } from '../support/grpc/server.ts';
import { replayFolder, shippedRuleSet } from '../support/replay.ts';

const TYPES = { tetragon: 'tetragon.GetEventsResponse', hubble: 'observer.GetFlowsResponse' } as const;

/** A server that sends a recording as fast as it is taken, then holds the stream open. */
async function serve(sensor: 'tetragon' | 'hubble', scenario: string): Promise<{ address: string; count: number }> {
  const messages = lines(`${scenario}/${sensor}.jsonl.gz`).map(line => encode(TYPES[sensor], JSON.parse(line)));
  const server = await TestServer.start(sensor, {
    script: async stream => {
      for (const message of messages) await stream.send(message);
    },
  });
  onTestFinished(() => server.stop());
  return { address: server.address, count: messages.length };
}

describe('a recording of a live run', () => {
  it.each(['lateral-movement', 'credential-theft', 'exfil'])(
    '%s: gives the same alerts, byte for byte',
    async scenario => {
      const tetragon = await serve('tetragon', scenario);
      const hubble = await serve('hubble', scenario);
      const quarantine = memoryQuarantine();
      const events: Event[] = [];
      const live: Alert[] = [];
      const all = tetragon.count + hubble.count;
      const pipeline = new Pipeline({
        engine: new Engine({ rules: shippedRuleSet() }),
        sources: [
          tetragonSource({ name: 'tetragon', address: tetragon.address, quarantine }),
          hubbleSource({
            name: 'hubble',
            address: hubble.address,
            quarantine,
            since: () => parseInstant('2026-01-01T00:00:00Z')?.time ?? 0,
          }),
        ],
        ordering: { latenessMs: 200, eventsMax: 100_000 },
        onStep: ({ observation, changes }) => {
          events.push(observation.event);
          for (const change of changes) if (change.type === 'new') live.push(change.alert);
          if (events.length === all) void pipeline.stop();
        },
      });
      await pipeline.run();
      expect(events.length).toBe(all);
      expect(live.length).toBeGreaterThan(3);

      const file = join(temporaryFolder(), 'recorded.jsonl.gz');
      const writer = captureWriter(file);
      await writer.write(events);
      await writer.close();
      const replayed = await replayFolder([file]);
      expect(replayed.alerts.map(alert => JSON.stringify(alert))).toEqual(live.map(alert => JSON.stringify(alert)));
    },
  );
});
