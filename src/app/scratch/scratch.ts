/** What people try beside what is live, as the configuration has it. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AlertingOptions } from '../../alerts/alerting.ts';
import type { Config } from '../../config/schema.ts';
import type { Rule } from '../../rules/rule.ts';
import type { Log } from '../log.ts';
import { Replays } from './replays.ts';
import { ScratchRuleLab } from './rule-lab.ts';

export interface Scratch {
  readonly replays: Replays;
  readonly ruleLab: ScratchRuleLab;
  close(): Promise<void>;
}

export function openScratch(
  { store, recorder, rules }: Config,
  alerting: AlertingOptions,
  running: () => readonly Rule[],
  log: Log,
): Scratch {
  const inMemory = store.path === ':memory:';
  const replays = new Replays({
    folder: inMemory ? join(tmpdir(), `spoor-replays-${process.pid}`) : `${store.path}-replays`,
    recorded: inMemory || recorder.keep === 0 ? null : store.path,
    rules,
    alerting,
    log,
  });
  const ruleLab = new ScratchRuleLab({ paths: rules.paths, rules: running });
  return {
    replays,
    ruleLab,
    close: async () => void (await Promise.all([replays.close(), ruleLab.close()])),
  };
}
