/** The rules that ship, on the recordings: ways of running them that must not differ. */
import { describe, expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import { Detector } from '../../src/detection/detector.ts';
import { readRuleFiles, shippedRules } from '../../src/rule-files.ts';
import { loadRules } from '../../src/rules/load.ts';
import { eventsOf, merged, recordings } from '../context/recordings.ts';

const files = readRuleFiles([shippedRules()]);

/** Each finding as one text, and what it took. */
function run(detector: Detector, events: ReturnType<typeof merged>, every?: () => void) {
  const context = new Context();
  const findings: string[] = [];
  for (const [i, event] of events.entries()) {
    if (every !== undefined && i % 200 === 199) every();
    for (const { rule, key, trigger, evidence, confidence } of detector.step(context.observe(event)))
      findings.push([rule.id, key, trigger.seq, evidence.map(item => item.observation.seq), confidence].join(' '));
  }
  return { findings, evaluated: detector.stats().totals.evaluated };
}

describe('on each recording', () => {
  const { rules } = loadRules(files);
  const again = loadRules(files).rules;

  it('has findings to compare', () => {
    const events = merged(eventsOf('lateral-movement', 'tetragon'), eventsOf('lateral-movement', 'hubble'));
    expect(run(new Detector(rules), events).findings.length).toBeGreaterThan(10);
  });

  it.each(recordings())('$name: the index changes nothing but the work', ({ tetragon, hubble }) => {
    const events = merged(eventsOf(tetragon, 'tetragon'), eventsOf(hubble, 'hubble'));
    const indexed = run(new Detector(rules), events);
    const plain = run(new Detector(rules, { indexed: false }), events);
    expect(indexed.findings).toEqual(plain.findings);
    expect(indexed.evaluated).toBeLessThan(plain.evaluated / 2);
  });

  it.each(recordings())('$name: reloading the same rules changes nothing', ({ tetragon, hubble }) => {
    const events = merged(eventsOf(tetragon, 'tetragon'), eventsOf(hubble, 'hubble'));
    const detector = new Detector(rules);
    let turn = 0;
    const reloaded = run(detector, events, () => detector.replaceRules(turn++ % 2 === 0 ? again : rules));
    expect(reloaded.findings).toEqual(run(new Detector(rules), events).findings);
    expect(detector.stats().failed).toBe(0);
  });
});
