/** The API of a running program: what it may read, ask for and change, and how it listens. */
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { API_LIMITS } from '../api/config.ts';
import type { EngineStatus } from '../api/deps.ts';
import { type Api, createApi } from '../api/server.ts';
import type { Config } from '../config/schema.ts';
import type { FlightRecorder } from '../recorder/recorder.ts';
import { refuseTarget } from '../sinks/index.ts';
import type { IngestSource } from '../sources/ingest/source.ts';
import type { BufferedStoreWriter } from '../store/buffered.ts';
import type { Store } from '../store/store.ts';
import type { EventTail } from './event-tail.ts';
import { eventsPort } from './events.ts';
import { incidentCapture } from './incident-capture.ts';
import type { Log } from './log.ts';
import { PAGE_FOLDER } from './page-folder.ts';
import { podAt } from './past-pod.ts';
import { createRulebook } from './rulebook.ts';
import type { Scratch } from './scratch/scratch.ts';
import type { Sensors } from './sensors.ts';
import { engineStatus, ruleRecords, type StatusParts, unreadyReasons } from './status.ts';
import { adminToken } from './token.ts';

export interface ServingParts {
  readonly settings: Config['api'];
  readonly store: Store;
  readonly writer: BufferedStoreWriter;
  readonly ingest: IngestSource | null;
  readonly recorder: FlightRecorder | null;
  readonly tail: EventTail;
  readonly log: Log;
  readonly sensors: Sensors;
  readonly scratch: Scratch;
  /** Everything of the status but the store and the recorder, as it is now. */
  readonly status: () => Omit<StatusParts, 'store' | 'recorder'>;
  readonly webhooksChanged: () => Promise<void>;
  readonly silencesChanged: () => Promise<void>;
}

/** An API that does not listen yet. */
export async function openApi(parts: ServingParts): Promise<Api> {
  const { store, ingest, recorder, log } = parts;
  const { rules, engine, sinks, sources } = parts.status();
  let health: EngineStatus['store'] = { ok: true, detail: '', bytes: 0 };
  const readHealth = async (): Promise<void> => {
    const { ok, detail, bytes } = await store.health();
    const writer = parts.writer.health();
    health = {
      ok: ok && writer.ok,
      detail: [detail, writer.detail].filter(text => text !== '').join('; '),
      bytes,
    };
  };
  await readHealth();
  return createApi(
    {
      store,
      live: engine.context,
      serviceMap: engine.context.serviceMap,
      ingest: ingest === null ? null : { offer: (body, place) => ingest.offer(body, place) },
      recording:
        recorder === null
          ? null
          : {
              capture: (alerts, evidence, scope) => incidentCapture(recorder, alerts, evidence, scope),
              podAt: (namespace, name, at) => podAt(recorder, namespace, name, at),
            },
      events: eventsPort(recorder, parts.tail),
      sinks: { list: () => sinks.list(), test: (name, signal) => sinks.test(name, signal) },
      refuseWebhook: url => refuseTarget(url, false),
      webhooksChanged: parts.webhooksChanged,
      silencesChanged: parts.silencesChanged,
      rules: () => ruleRecords(rules.rules(), engine),
      rulebook: createRulebook({ rules: rules.rules, files: rules.files, sensors: parts.sensors, store }),
      replays: parts.scratch.replays,
      ruleLab: parts.scratch.ruleLab,
      status: () => {
        void readHealth();
        return engineStatus({ ...parts.status(), store: health, recorder: recorder?.stats() ?? null });
      },
      unready: async () => {
        await readHealth();
        return unreadyReasons(health, sources);
      },
      registry: new Registry(),
      log,
    },
    listening(parts.settings),
  );
}

function listening({ listen, tls, admin_token: token, admin_token_file: file, public_url: url }: Config['api']) {
  const colon = listen.lastIndexOf(':');
  return {
    host: listen.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(listen.slice(colon + 1)),
    tls:
      tls?.cert_file && tls.key_file
        ? { cert: readFileSync(tls.cert_file, 'utf8'), key: readFileSync(tls.key_file, 'utf8') }
        : null,
    publicUrl: url ?? null,
    adminToken: file === undefined ? () => token ?? null : adminToken(file),
    pageFolder: PAGE_FOLDER,
    limits: API_LIMITS,
  };
}
