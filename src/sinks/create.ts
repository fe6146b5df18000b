/** Configuration → sink. */
import { z } from 'zod';
import type { SinkDeps } from './deps.ts';
import { createFile, fileConfig } from './file.ts';
import { createPagerduty, pagerdutyConfig } from './pagerduty.ts';
import type { Sink } from './sink.ts';
import { createSlack, slackConfig } from './slack.ts';
import { createStdout, stdoutConfig } from './stdout.ts';
import { createWebhook, webhookConfig } from './webhook.ts';

export const sinkConfig = z.discriminatedUnion('type', [
  stdoutConfig,
  fileConfig,
  webhookConfig,
  slackConfig,
  pagerdutyConfig,
]);

/** One entry of `sinks:`, parsed. */
export type SinkConfig = z.infer<typeof sinkConfig>;

export function createSink(name: string, config: SinkConfig, deps: SinkDeps): Sink {
  switch (config.type) {
    case 'stdout':
      return createStdout(name, deps);
    case 'file':
      return createFile(name, config);
    case 'webhook':
      return createWebhook(name, config, deps);
    case 'slack':
      return createSlack(name, config, deps);
    case 'pagerduty':
      return createPagerduty(name, config, deps);
  }
}
