/** The schema of `spoor.yaml`: one place for shape, defaults and descriptions. Unknown keys are errors. */
import { z } from 'zod';
import { routeConfig, sinkConfig } from '../sinks/index.ts';
import { duration, oneOf, size } from '../sinks/units.ts';

const tls = z
  .strictObject({
    ca_file: z.string().optional().describe('CA certificates (PEM) that the server must be signed by'),
    cert_file: z.string().optional().describe('client certificate (PEM) for mutual TLS'),
    key_file: z.string().optional().describe('key of the client certificate (PEM)'),
    server_name: z
      .string()
      .optional()
      .describe('name to expect in the server certificate, where it differs from the address'),
  })
  .describe('TLS to the server; leave it out for plaintext');

const name = z.string().min(1).optional().describe('how this source is called in status and metrics');

export const sourceConfig = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('tetragon'),
    name,
    address: z.string().min(1).describe('host:port, unix:///path, or dns:///name:port for one agent a node'),
    tls: tls.optional(),
  }),
  z.strictObject({
    type: z.literal('hubble'),
    name,
    address: z.string().min(1).describe('host:port of Hubble Relay, or unix:///path of an agent'),
    tls: tls.optional(),
  }),
  z.strictObject({
    type: z.literal('file'),
    name,
    path: z
      .string()
      .min(1)
      .describe(
        'export files of Tetragon or Hubble; the last part may hold * and ?. Followed through rotation: backups named FILE.1, FILE-20260131, FILE-2026-01-31T12-00-00.000.log, with .gz or without, are read to their end first. A pattern takes no file with such a name for an export of its own, even while FILE is missing (FILE-1 only while FILE is there): to follow one, give its whole name',
      ),
  }),
  z.strictObject({
    type: z.literal('capture'),
    name,
    path: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .describe('recorded events, .gz allowed; several are merged by time'),
    speed: z
      .union([z.literal('max'), z.number().positive()])
      .default('max')
      .describe('times as fast as it was recorded, or max'),
  }),
  z.strictObject({ type: z.literal('ingest'), name }),
]);

export type SourceConfig = z.infer<typeof sourceConfig>;

const level = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']);

export const configSchema = z.strictObject({
  sources: z.array(sourceConfig).default([]).describe('where events come from'),
  rules: z
    .strictObject({
      paths: z.array(z.string().min(1)).default([]).describe('rule files and folders, added to the rules that ship'),
      defaults: z.boolean().default(true).describe('use the rules that ship with Spoor'),
      disable: z.array(z.string().min(1)).default([]).describe('titles or ids of rules to leave out'),
      watch: z.boolean().default(true).describe('load rules again when their files change'),
    })
    .prefault({}),
  store: z
    .strictObject({
      path: z.string().min(1).default('./data/spoor.db').describe('SQLite database'),
      retention: z
        .strictObject({
          days: z.number().int().positive().default(30).describe('alerts and incidents older than this are deleted'),
          size: size.prefault('2GiB').describe('oldest alerts are deleted past this size'),
        })
        .prefault({}),
    })
    .prefault({}),
  detection: z
    .strictObject({
      lateness: duration.prefault('2s').describe('how long to wait for events that arrive out of order'),
      suppress: duration.prefault('5m').describe('the same rule and key within this time counts up on one alert'),
      incident_window: duration.prefault('30m').describe('alerts of one pod within this time are one incident'),
      risk: z
        .strictObject({
          threshold: z
            .number()
            .int()
            .min(0)
            .max(100_000)
            .default(80)
            .describe('points at which weak signs of a process tree, pod or workload become an alert; 0: never'),
          half_life: duration.prefault('1h').describe('event time in which such points halve'),
        })
        .prefault({}),
    })
    .prefault({}),
  recorder: z
    .strictObject({
      keep: duration
        .prefault('24h')
        .describe('events kept beside the database, for history, captures of incidents and restarts; 0s: none'),
      size: size.prefault('1GiB').describe('oldest recorded events are removed past this size'),
      replay: duration
        .prefault('15m')
        .describe('the last part of what is kept, which a restart lives through again; longer makes restarts slower'),
    })
    .prefault({}),
  sinks: z
    .record(z.string().regex(/^[a-zA-Z][\w-]*$/), sinkConfig)
    .default({})
    .describe('where alerts go, by a name of your choice'),
  routes: z
    .array(routeConfig)
    .default([])
    .describe('which alerts go to which sinks, in order; without any, medium and above go to all'),
  api: z
    .strictObject({
      listen: z.string().regex(/:\d+$/, 'expected host:port').default('127.0.0.1:8787').describe('address of the API'),
      tls: z
        .strictObject({
          cert_file: z.string().nullish().describe('certificate chain (PEM)'),
          key_file: z.string().nullish().describe('its key (PEM)'),
        })
        .optional()
        .describe('serve HTTPS with this certificate and key'),
      admin_token_file: z
        .string()
        .optional()
        .describe('file with a bearer token of scope admin; needed to listen beyond loopback'),
      admin_token: z
        .string()
        .min(16)
        .optional()
        .describe(
          'the token itself, at least 16 characters: for the environment (SPOOR_API_ADMIN_TOKEN), never for a file',
        ),
      public_url: z.url().optional().describe('address under which people reach the API, for links in messages'),
    })
    .superRefine(oneOf('admin_token', false))
    .prefault({}),
  log: z
    .strictObject({
      level: level.default('info'),
      format: z.enum(['json', 'text']).default('text').describe('json for machines'),
    })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;
