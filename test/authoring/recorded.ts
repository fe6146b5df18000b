/** Recorded attacks through the engine, once a file of tests. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Alert } from '../../src/alerts/alert.ts';
import { Orderer } from '../../src/context/order.ts';
import { Engine } from '../../src/engine.ts';
import type { Event } from '../../src/model/event.ts';
import { readRuleFiles } from '../../src/rule-files.ts';
import { loadRules } from '../../src/rules/load.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';

export function eventsOf(scenario: string): Event[] {
  const orderer = new Orderer();
  const ordered: Event[] = [];
  for (const sensor of ['tetragon', 'hubble']) {
    const text = gunzipSync(readFileSync(`captures/${scenario}/${sensor}.jsonl.gz`)).toString('utf8');
    for (const line of text.split('\n')) if (line !== '') orderer.push(decodeLine(line), sensor);
  }
  orderer.drain(ordered, true);
  return ordered;
}

/** New alerts, with all their evidence. */
export function alertsOf(rules: readonly Rule[], events: readonly Event[]): Alert[] {
  const engine = new Engine({ rules });
  return events.flatMap(event =>
    engine.step(event).changes.flatMap(change => (change.type === 'new' ? [change.alert] : [])),
  );
}

let shipped: readonly Rule[] | null = null;

export function shippedRules(): readonly Rule[] {
  shipped ??= loadRules(readRuleFiles(['rules'])).rules;
  return shipped;
}
