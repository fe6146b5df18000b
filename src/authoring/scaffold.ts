/** A draft with its tests → the text of a rule file that has been shown to load and to pass them. */
import { Document, isMap, isSeq, type Node } from 'yaml';
import type { Observation } from '../model/observation.ts';
import { type RuleTestOptions, runRuleTests } from '../rule-tests/run.ts';
import { formatDiagnostic } from '../rules/diagnostics.ts';
import { loadRules } from '../rules/load.ts';
import { abridged, type CompactEvent, compactEvent, lookupBefore, nearMisses } from './compact.ts';
import { type Draft, draftOf } from './draft.ts';
import { type Story, type StoryStep, storyOf } from './story.ts';

/** What makes a rule this one and not another; given, because the core knows no clock and no chance. */
export interface Identity {
  /** A UUID. */
  readonly id: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly author: string;
}

export interface Subject {
  readonly observation: Observation;
  /** The event and those that its context needs, oldest first, in the export's shape: the test where no compact one does. */
  readonly records: readonly unknown[];
  /** Of the rule that found it, where one did. */
  readonly tags: readonly string[];
  /** What filled the steps of the sequence that found it, with the records that they need; absent when none did. */
  readonly story?: { readonly steps: readonly StoryStep[]; readonly records: readonly unknown[] };
}

/** A rule that catches this event or story, or why there is none. */
export type Scaffold = { readonly text: string; readonly title: string } | { readonly problem: string };

/** A sequence when a sequence found it and its steps can be told from other events; else a rule of its last event. */
export function scaffoldFrom(subject: Subject, identity: Identity, options: RuleTestOptions): Scaffold {
  const story = subject.story === undefined ? null : storyOf(subject.story.steps);
  const made = story === null ? null : scaffoldStory(story, subject, identity, options);
  return made ?? scaffoldEvent(subject, identity, options);
}

function scaffoldStory(story: Story, subject: Subject, identity: Identity, options: RuleTestOptions): Scaffold | null {
  const raw = (subject.story?.records ?? []).map(record => ({ raw: record }));
  for (const events of story.events === null ? [raw] : [story.events, raw]) {
    const tests = [
      { name: 'fires on the story that it was made of', events, expect: { alerts: 1 } },
      { name: 'quiet when the last of it does not happen', events: events.slice(0, -1), expect: { alerts: 0 } },
    ];
    const text = write(ofStory(story), subject, identity, tests);
    if (check(text, options, 'all') === null) return { text, title: story.title };
  }
  return null;
}

function scaffoldEvent(subject: Subject, identity: Identity, options: RuleTestOptions): Scaffold {
  const draft = draftOf(subject.observation);
  if (draft === null) return { problem: 'nothing about this event would tell it from others' };
  const compact = compactEvent(subject.observation);
  const raw = subject.records.map(record => ({ raw: record }));
  const lookup = lookupBefore(subject.observation);
  const before = lookup === null ? [] : [lookup];
  const forms: (readonly CompactEvent[])[] = compact === null ? [raw] : [abridged([...before, compact]), raw];
  let why = '';
  for (const fires of forms) {
    const test = { name: 'fires on the event that it was made of', events: fires, expect: { alerts: 1 } };
    const alone = check(write(ofEvent(draft), subject, identity, [test]), options, 'errors');
    if (alone !== null) {
      why = alone;
      continue;
    }
    for (const miss of compact === null ? [] : nearMisses(compact)) {
      const quiet = {
        name: `quiet on the same ${miss.name}`,
        events: abridged([...before, miss.event]),
        expect: { alerts: 0 },
      };
      const text = write(ofEvent(draft), subject, identity, [test, quiet]);
      if (check(text, options, 'all') === null) return { text, title: draft.title };
    }
    return {
      problem: 'nothing about this event could be changed without the rule firing still: it would fire on everything',
    };
  }
  return { problem: `the rule does not fire on its own event: ${why}` };
}

/**
 * Null when the rule loads without a complaint and its tests pass; else the first thing that is wrong. With `errors`, warnings are
 * no complaint: a rule without its near miss is not complete yet.
 */
function check(text: string, options: RuleTestOptions, complaints: 'all' | 'errors'): string | null {
  const { rules, diagnostics, tests } = loadRules([{ file: 'draft.yaml', text }]);
  const first = diagnostics.find(({ severity }) => complaints === 'all' || severity === 'error');
  if (first !== undefined) return formatDiagnostic(first);
  const results = runRuleTests(
    rules.map(rule => ({ rule, tests: tests.get(rule.id) ?? [] })),
    options,
  );
  return results.find(result => !result.passed)?.problems.join('; ') ?? null;
}

type TestAsWritten = {
  readonly name: string;
  readonly events: readonly CompactEvent[];
  readonly expect: { readonly alerts: number };
};

interface Written {
  readonly title: string;
  readonly message: string;
  readonly tags: readonly string[];
  readonly madeOf: string;
  /** The keys that say what it finds, and the one of them to put advice over. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly advised: string;
}

const detection = ({ selections }: Draft): Readonly<Record<string, unknown>> => ({
  ...Object.fromEntries(selections),
  condition: [...selections.keys()].join(' and '),
});

const ofEvent = (draft: Draft): Written => ({
  ...draft,
  madeOf: 'Made of one event.',
  body: { logsource: { category: draft.category }, detection: detection(draft) },
  advised: 'detection',
});

const ofStory = (story: Story): Written => ({
  ...story,
  madeOf: 'Made of the steps of one alert.',
  body: {
    sequence: {
      by: story.by,
      within: story.within,
      steps: story.steps.map(({ id, draft }) => ({
        id,
        logsource: { category: draft.category },
        detection: detection(draft),
      })),
    },
  },
  advised: 'sequence',
});

function write(what: Written, subject: Subject, identity: Identity, tests: readonly TestAsWritten[]): string {
  const document = new Document(
    {
      title: what.title,
      id: identity.id,
      status: 'experimental',
      level: 'medium',
      taxonomy: 'spoor',
      description: `${what.madeOf} Say here what it means when this fires.`,
      author: identity.author,
      date: identity.date,
      tags: subject.tags.length > 0 ? [...subject.tags] : [...what.tags],
      falsepositives: ['Name here who does this rightly.'],
      runbook: 'Say here what to look at first.',
      message: what.message,
      ...what.body,
      tests,
    },
    { aliasDuplicateObjects: false },
  );
  if (subject.tags.length === 0) comment(document, 'tags', ' A guess by the kind of event: name the technique.');
  comment(document, what.advised, ' Take out what an attacker would change; leave what he cannot do without.');
  for (const path of [['tags'], ['falsepositives'], ['logsource']]) inline(document, path);
  const steps = document.getIn(['sequence', 'steps']);
  if (isSeq(steps)) for (const i of steps.items.keys()) inline(document, ['sequence', 'steps', i, 'logsource']);
  for (const [i, test] of tests.entries()) {
    inline(document, ['tests', i, 'expect']);
    for (const e of test.events.keys())
      for (const type of Object.keys(test.events[e]!)) inline(document, ['tests', i, 'events', e, type]);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function comment(document: Document, key: string, text: string): void {
  if (!isMap(document.contents)) return;
  const pair = document.contents.items.find(item => String(item.key) === key);
  if (pair !== undefined) (pair.key as Node).commentBefore = text;
}

/** On one line, as people write events. */
function inline(document: Document, path: readonly (string | number)[]): void {
  const node = document.getIn(path, true);
  if (isMap(node) || isSeq(node)) node.flow = true;
}
