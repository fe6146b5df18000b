/** The promises of every source, kept by the two live ones. */
import { hubbleSource } from '../../../src/sources/hubble/source.ts';
import type { Quarantine, Source } from '../../../src/sources/source.ts';
import { tetragonSource } from '../../../src/sources/tetragon/source.ts';
import { TestQuarantine } from '../../support/grpc/collector.ts';
import { encode } from '../../support/grpc/encode.ts';
import { TestServer } from '../../support/grpc/server.ts';
import { describeSource, type SourceFixture } from '../conformance.ts';

const EVENTS = 10_000;
const MALFORMED = 3;
const TIME = '2026-01-01T00:00:00Z';
/** So that what the transport buffers is a small part of the whole. */
const PADDING = 'x'.repeat(2_000);

async function fixture(
  sensor: 'tetragon' | 'hubble',
  make: (options: { name: string; address: string; quarantine: Quarantine }) => Source,
  message: (n: number) => Buffer,
): Promise<SourceFixture> {
  const server = await TestServer.start(sensor, {
    script: async stream => {
      for (let n = 0; n < EVENTS; n++) {
        if (n % 5_000 === 0 || n === 7_000) await stream.send(Buffer.from('garbage'));
        await stream.send(message(n));
      }
    },
  });
  return {
    source: make({ name: sensor, address: server.address, quarantine: new TestQuarantine() }),
    events: EVENTS,
    malformed: MALFORMED,
    finite: false,
    open: () => server.open,
    cleanup: () => server.stop(),
  };
}

describeSource('a Tetragon source', () => {
  const process = { exec_id: 'ZXhlYw==', pid: 1, binary: '/bin/sh', arguments: PADDING, start_time: TIME };
  const message = encode('tetragon.GetEventsResponse', { process_exec: { process }, node_name: 'n', time: TIME });
  return fixture('tetragon', tetragonSource, () => message);
});

describeSource('a Hubble source', () =>
  fixture('hubble', hubbleSource, n =>
    encode('observer.GetFlowsResponse', {
      flow: { uuid: String(n), verdict: 'FORWARDED', time: TIME, Summary: PADDING },
      node_name: 'n',
      time: TIME,
    }),
  ),
);
