/** The sources of a configuration. */
import type { SourceConfig } from '../config/schema.ts';
import type { Micros } from '../model/time.ts';
import { captureSource } from '../sources/capture/source.ts';
import type { TlsOptions } from '../sources/grpc/client.ts';
import { hubbleSource } from '../sources/hubble/source.ts';
import type { IngestJournal } from '../sources/ingest/journal.ts';
import { type IngestSource, ingestSource } from '../sources/ingest/source.ts';
import type { Quarantine, Source } from '../sources/source.ts';
import type { OffsetStore } from '../sources/tail/offsets.ts';
import { tailSource } from '../sources/tail/source.ts';
import { tetragonSource } from '../sources/tetragon/source.ts';

export interface BuiltSources {
  readonly sources: readonly Source[];
  /** The one that the API feeds; null when none is configured. */
  readonly ingest: IngestSource | null;
}

/**
 * `offsets`: where each file source remembers how far it got. `since`: from when on flows are asked for that came before the
 * start; null for new ones only. `journal`: where pushed events are kept until they are processed. Throws a plain message for what can never work.
 */
export function buildSources(
  configs: readonly SourceConfig[],
  offsets: (name: string) => OffsetStore,
  quarantine: Quarantine,
  since: () => Micros | null = () => null,
  journal: IngestJournal | null = null,
): BuiltSources {
  const taken = new Set<string>();
  let ingest: IngestSource | null = null;
  const build = (config: SourceConfig): Source => {
    const name = freeName(config.name ?? config.type, taken);
    switch (config.type) {
      case 'tetragon':
      case 'hubble': {
        const { address, tls } = config;
        const options = { name, address, quarantine, ...(tls === undefined ? {} : { tls: tlsFiles(tls) }) };
        return config.type === 'tetragon' ? tetragonSource(options) : hubbleSource({ ...options, since });
      }
      case 'file':
        return tailSource({ name, path: config.path, offsets: offsets(name), quarantine });
      case 'capture':
        return captureSource({ name, paths: [config.path].flat(), speed: config.speed, quarantine });
      case 'ingest':
        if (ingest !== null) throw new Error('sources: only one source of type ingest makes sense');
        ingest = ingestSource({ name, quarantine, journal });
        return ingest;
    }
  };
  return { sources: configs.map(build), ingest };
}

type TlsSettings = NonNullable<Extract<SourceConfig, { type: 'hubble' }>['tls']>;

function tlsFiles(tls: TlsSettings): TlsOptions {
  return {
    ...(tls.ca_file === undefined ? {} : { caFile: tls.ca_file }),
    ...(tls.cert_file === undefined ? {} : { certFile: tls.cert_file }),
    ...(tls.key_file === undefined ? {} : { keyFile: tls.key_file }),
    ...(tls.server_name === undefined ? {} : { serverName: tls.server_name }),
  };
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}-${n}`;
  taken.add(name);
  return name;
}
