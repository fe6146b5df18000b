/** A recording whose agent starts anew in the middle: every live process is scanned and gets another exec_id. */
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import { type Event, isProcessEvent, type ProcessEvent } from '../../src/model/event.ts';
import { ancestorsOf, baseName, type Process, type ProcessFacts } from '../../src/model/process.ts';
import { eventsOf, merged } from './recordings.ts';

const TICK = 10_000;

/** What the scan of a new agent says about a live process: fork time in ticks as id, the resolved file as binary. */
function scanned(process: Process, rename: (execId: string) => string): ProcessFacts {
  const { facts } = process;
  const resolved = { sh: '/usr/bin/dash', node: '/usr/bin/node18' }[baseName(facts.binary)];
  return {
    ...facts,
    execId: rename(facts.execId),
    parentExecId: rename(facts.parentExecId),
    binary: resolved ?? facts.binary,
    flags: 'procFS',
    startTime: Math.floor(facts.startTime / TICK) * TICK,
  };
}

function renamed(
  event: ProcessEvent,
  facts: Map<string, ProcessFacts>,
  rename: (execId: string) => string,
): ProcessEvent {
  const block = (known: ProcessFacts): ProcessFacts =>
    facts.get(known.execId) ?? { ...known, parentExecId: rename(known.parentExecId) };
  return {
    ...event,
    process: block(event.process),
    parent: event.parent === null ? null : block(event.parent),
    ancestors: event.ancestors.map(block),
  };
}

const lineage = (process: Process): string =>
  [process, ...ancestorsOf(process)].map(p => `${p.facts.pid} ${baseName(p.facts.binary)}`).join(' < ');

describe.each(['lateral-movement', 'reverse-shells', 'escape-nsenter'])('%s', name => {
  const events = merged(eventsOf(name, 'tetragon'), eventsOf(name, 'hubble'));

  it.each([0.3, 0.5, 0.7])('restarted after %d of it, keeps every tree and every owner', share => {
    const plain = new Context();
    for (const event of events) plain.observe(event);

    const context = new Context();
    const cut = Math.floor(events.length * share);
    for (const event of events.slice(0, cut)) context.observe(event);
    const live = [...context.processes()].filter(process => process.exitTime === null && !process.placeholder);
    const ids = new Set(live.map(process => process.execId));
    const rename = (execId: string): string => (ids.has(execId) ? `new-${execId}` : execId);
    const facts = new Map(live.map(process => [process.execId, scanned(process, rename)]));
    const template = events.find(isProcessEvent) as ProcessEvent;
    for (const block of facts.values()) {
      const scan: Event = {
        ...template,
        kind: 'process_exec',
        time: block.startTime,
        process: block,
        parent: null,
        ancestors: [],
      };
      context.observe(scan);
    }
    for (const event of events.slice(cut))
      context.observe(isProcessEvent(event) ? renamed(event, facts, rename) : event);

    expect(context.stats().processesRenamed).toBeGreaterThan(0);
    for (const process of plain.processes()) {
      const found = context.process(process.execId);
      expect(found === null ? null : lineage(found)).toBe(lineage(process));
      expect(found?.pod?.name).toBe(process.pod?.name);
    }
    const owners = (of: Context): string[] =>
      [...of.connections()].map(c => `${c.id} ${c.process?.execId} ${c.attribution}`).sort();
    expect(owners(context)).toEqual(owners(plain));
  });
});
