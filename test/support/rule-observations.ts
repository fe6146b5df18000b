/** Observations for tests of rules: a builder with plausible defaults for everything not given. */
import type { Peer } from '../../src/model/connection.ts';
import type { FlowEvent, KprobeArg, ProcessEvent, ProcessEventKind } from '../../src/model/event.ts';
import type { Observation, SocketFacts } from '../../src/model/observation.ts';
import type { PodFacts, Process, ProcessFacts } from '../../src/model/process.ts';
import { exec, flow, makeProcess } from './observations.ts';

/** A chain of processes, the last one first: each has the next as its parent. */
export function processes(...chain: readonly Partial<ProcessFacts>[]): Process {
  let parent: Process | null = null;
  for (const [i, facts] of [...chain].reverse().entries()) {
    const process: Process = makeProcess(`exec-${chain.length - i}`, parent === null ? {} : { parent });
    process.facts = { ...process.facts, ...facts };
    parent = process;
  }
  return parent as Process;
}

export interface ProcessEventOptions {
  readonly kind?: ProcessEventKind;
  readonly process?: Process | null;
  readonly pod?: PodFacts | null;
  readonly socket?: SocketFacts | null;
  readonly event?: Partial<ProcessEvent>;
}

export function processEvent(options: ProcessEventOptions = {}): Observation {
  const base = exec(0, '', options.process === undefined ? processes({}) : options.process);
  return {
    ...base,
    pod: options.pod === undefined ? base.pod : options.pod,
    socket: options.socket ?? null,
    event: { ...(base.event as ProcessEvent), kind: options.kind ?? 'process_exec', ...options.event },
  };
}

/** A hook's event with its arguments: `hook('__x64_sys_setns', ['int', 6], ['int', 134217728])`. */
export function hook(functionName: string, ...args: readonly (readonly [type: string, value: unknown])[]): Observation {
  const typed: KprobeArg[] = args.map(([type, value]) => ({ type, label: '', value }));
  return processEvent({ kind: 'process_kprobe', event: { functionName, args: typed } });
}

export interface FlowEventOptions {
  readonly process?: Process | null;
  readonly client?: Partial<Peer>;
  readonly server?: Partial<Peer>;
  readonly event?: Partial<FlowEvent>;
}

export function flowEvent(options: FlowEventOptions = {}): Observation {
  const base = flow(0, '', { process: options.process ?? null });
  return {
    ...base,
    client: { ...(base.client as Peer), ...options.client },
    server: { ...(base.server as Peer), ...options.server },
    event: { ...(base.event as FlowEvent), ...options.event },
  };
}
