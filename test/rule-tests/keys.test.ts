/** Lint knows the keys of a test's events as well as the runner does: each accepts and refuses the same. */
import { describe, expect, it } from 'vitest';
import { BadTest } from '../../src/rule-tests/given.ts';
import { Scenario } from '../../src/rule-tests/scenario.ts';
import { TEST_EVENT_KEYS, type TestEventType } from '../../src/rules/rule-test.ts';

const NEEDED: Readonly<Partial<Record<TestEventType, Readonly<Record<string, unknown>>>>> = {
  exec: { binary: '/bin/nc' },
  exit: {},
  flow: { to: '203.0.113.9:443' },
  connect: { to: '203.0.113.9:443' },
  file: { path: '/etc/shadow' },
  kprobe: { function: 'f' },
  dns: { query: 'x.example' },
};
const every = [...new Set(Object.values(TEST_EVENT_KEYS).flatMap(keys => keys ?? []))];

/** The complaint that nothing reads the key; other complaints are about its value. */
function unknown(type: TestEventType, key: string): boolean {
  const fields = { [key]: null, p: 'A', pod: 'a/b', ...NEEDED[type] };
  try {
    new Scenario().add({ type, fields, line: 1 }, 0);
    return false;
  } catch (error) {
    if (!(error instanceof BadTest)) throw error;
    return error.message.includes('unknown key');
  }
}

describe.each(Object.keys(NEEDED) as TestEventType[])('%s', type => {
  it('has the keys that are read, and no other', () => {
    const known = TEST_EVENT_KEYS[type] ?? [];
    const read = every.filter(key => !unknown(type, key));
    // Said of a remote end or of a parent only when there is one.
    const conditional = new Set(['port', 'parent', 'set']);
    expect(read.filter(key => !known.includes(key))).toEqual([]);
    expect(known.filter(key => !read.includes(key) && !conditional.has(key))).toEqual([]);
  });
});
