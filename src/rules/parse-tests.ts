/** `tests` of a rule → typed tests. */
import { didYouMean } from './names.ts';
import { type RuleTest, TEST_EVENT_KEYS, TEST_PARENT_KEYS, type TestEvent, type TestEventType } from './rule-test.ts';
import { testSchema } from './schema.ts';
import { parseShape } from './shape.ts';
import { isRecord, type Path, type Problems } from './yaml.ts';

export function parseTests(value: unknown, problems: Problems): RuleTest[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    problems.add('bad-test', ['tests'], 'tests is a list of {name, events or capture, expect}');
    return [];
  }
  const tests: RuleTest[] = [];
  const names = new Set<string>();
  for (const [i, raw] of value.entries()) {
    const path: Path = ['tests', i];
    const shape = parseShape(testSchema, raw, path, problems, 'bad-test');
    if (shape === null) continue;
    if (shape.events.length === 0 && shape.capture.length === 0)
      problems.add('bad-test', path, 'a test has events or a capture');
    if (names.has(shape.name)) problems.add('duplicate-name', [...path, 'name'], `two tests are called ${shape.name}`);
    names.add(shape.name);
    const events = shape.events
      .map((event, e) => parseEvent(event, [...path, 'events', e], problems))
      .filter(event => event !== null);
    const { alerts, attribution, confidence } = shape.expect;
    tests.push({
      name: shape.name,
      events,
      captures: shape.capture,
      expect: {
        alerts: typeof alerts === 'number' ? alerts : alerts.length,
        matching: typeof alerts === 'number' ? [] : alerts,
        attribution,
        confidence,
      },
      file: problems.file,
      line: problems.place(path).line,
    });
  }
  return tests;
}

function parseEvent(event: Readonly<Record<string, unknown>>, path: Path, problems: Problems): TestEvent | null {
  const entries = Object.entries(event);
  const [type, fields] = entries[0] ?? [];
  if (entries.length !== 1 || type === undefined || !isRecord(fields)) {
    problems.add(
      'bad-test',
      path,
      'an event is one key, its type, with a map of fields',
      '- exec: {p: A, binary: /usr/bin/nc}',
    );
    return null;
  }
  const known = TEST_EVENT_KEYS[type as TestEventType];
  if (known !== null) checkKeys(type, fields, known, [...path, type], problems);
  return { type: type as TestEventType, fields, line: problems.place(path).line };
}

/** A parent may have a parent, as deep as a file may nest. */
function checkKeys(
  what: string,
  fields: Readonly<Record<string, unknown>>,
  known: readonly string[],
  path: Path,
  problems: Problems,
): void {
  for (const [key, value] of Object.entries(fields)) {
    if (!known.includes(key)) {
      const hint = didYouMean(key, known) || `known: ${known.join(' ')}`;
      problems.add('unknown-test-key', [...path, key], `unknown key ${key} in ${what}`, hint, 'key');
    } else if (key === 'parent' && isRecord(value))
      checkKeys('parent', value, TEST_PARENT_KEYS, [...path, key], problems);
  }
}
