/** Schemas that the sinks' configurations share. Durations are milliseconds and sizes bytes once parsed. */
import { z } from 'zod';
import { refuseTarget } from './address.ts';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNITS_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

function quantity(units: Readonly<Record<string, number>>, example: string) {
  return z.string().transform((text, context) => {
    const [, digits, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text) ?? [];
    const factor = units[unit];
    if (factor !== undefined) return Math.round(Number(digits) * factor);
    context.issues.push({ code: 'custom', message: `expected a number with a unit, such as ${example}`, input: text });
    return z.NEVER;
  });
}

export const duration = quantity(UNITS_MS, '500ms, 2s, 5m or 1h');
export const size = quantity(UNITS_BYTES, '64KiB, 500MB or 2GiB');

/** What every sink's configuration may say about its delivery loop. */
export const deliveryKeys = {
  timeout: duration.prefault('15s').describe('longest time for one attempt'),
  concurrency: z.number().int().min(1).max(64).default(4).describe('attempts under way at once'),
  rate: z.number().positive().max(10_000).default(20).describe('most attempts a second'),
  retry_attempts: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(100)
    .describe(
      'attempts before a delivery becomes a dead letter; with the longest backoff of 30 minutes, 100 are about a day',
    ),
};

/** What every HTTP sink's configuration may say about its connections. */
export const httpKeys = {
  allow_private: z
    .boolean()
    .default(false)
    .describe('let it reach private, loopback and link-local addresses: for receivers inside the cluster'),
  proxy: z.boolean().default(true).describe('use the proxy that the environment names'),
  tls: z
    .strictObject({
      ca_file: z.string().min(1).optional().describe('CA certificates (PEM) that the server must be signed by'),
      cert_file: z.string().min(1).optional().describe('client certificate (PEM) for mutual TLS'),
      key_file: z.string().min(1).optional().describe('key of the client certificate (PEM)'),
      server_name: z.string().min(1).optional().describe('name to expect in the server certificate'),
      insecure_skip_verify: z.boolean().default(false).describe('accept any certificate: for trials only'),
    })
    .optional()
    .describe('TLS to the receiver'),
};

/** The value or the file that holds it, never both. */
export function oneOf(name: string, required: boolean) {
  return (config: object, context: z.core.$RefinementCtx): void => {
    const given = [name, `${name}_file`].filter(key => (config as Record<string, unknown>)[key] !== undefined);
    if (given.length === 2) {
      context.issues.push({
        code: 'custom',
        message: `set ${name} or ${name}_file, not both`,
        input: '',
        path: [name],
      });
    }
    if (given.length === 0 && required) {
      context.issues.push({ code: 'custom', message: `needs ${name} or ${name}_file`, input: '', path: [] });
    }
  };
}

/**
 * A URL in the configuration that deliveries would be refused for is told at the start, not by dead letters. What a name leads to
 * is known only when it is resolved.
 */
export function permittedTarget(name: string) {
  return (config: { readonly allow_private: boolean }, context: z.core.$RefinementCtx): void => {
    const url = (config as Readonly<Record<string, unknown>>)[name];
    const refused = typeof url === 'string' ? refuseTarget(url, config.allow_private) : null;
    if (refused === null) return;
    const hint = refuseTarget(String(url), true) === null ? '; allow_private: true permits it' : '';
    context.issues.push({ code: 'custom', message: `${refused}${hint}`, input: '', path: [name] });
  };
}
