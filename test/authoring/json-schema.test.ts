/** The schema that editors check by agrees with what loads. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { ruleFileSchema } from '../../src/authoring/json-schema.ts';
import { MODIFIER_TEXTS } from '../../src/authoring/keys.ts';
import { fromTemplate, TEMPLATE_NAMES } from '../../src/authoring/templates.ts';
import { FIELDS } from '../../src/rules/catalogue/catalogue.ts';
import { MODIFIERS } from '../../src/rules/modifiers.ts';

const schema = ruleFileSchema() as {
  definitions: { selection: { properties: Record<string, { description?: string }> } };
  properties: Record<string, { description?: string }>;
};
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);

const base = `title: x
taxonomy: spoor
detection:
  a: { process.name: nc }
  condition: a
`;
const problems = (text: string): string[] => {
  validate(parse(text));
  return (validate.errors ?? []).map(error => `${error.instancePath} ${error.message}`);
};

const shipped = readdirSync('rules', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.yaml'));

describe('all rules that ship', () => {
  it('are there', () => expect(shipped.length).toBeGreaterThan(80));

  it.each(shipped)('%s is valid', file => {
    for (const document of parseAllDocuments(readFileSync(join('rules', file), 'utf8'))) {
      validate(document.toJS());
      expect(validate.errors ?? []).toEqual([]);
    }
  });
});

it('takes every template, a Sigma rule, and shared lists', () => {
  const identity = { id: '4f2cbb51-0f53-4d43-9d25-2b8a87a4a002', date: '2026-11-25', author: 'x' };
  for (const name of TEMPLATE_NAMES) expect(problems(fromTemplate(name, identity) ?? '')).toEqual([]);
  expect(
    problems(
      'title: x\nlogsource: {product: linux, category: process_creation}\ndetection:\n  s:\n    Image|endswith: [/nc]\n    CommandLine|contains|all: [a, b]\n  keywords: [one, two]\n  condition: s or keywords\n',
    ),
  ).toEqual([]);
  expect(problems('lists: {a: [b, 1]}\nmacros: {m: {process.env.LD_PRELOAD|startswith: /tmp}}\n')).toEqual([]);
});

it.each([
  ['an unknown field', base.replace('process.name', 'process.nmae')],
  ['an unknown modifier', base.replace('process.name', 'process.name|beginswith')],
  ['a wrong type', base.replace('process.name: nc', 'process.pid|exists: maybe')],
  ['no condition', base.replace('  condition: a\n', '')],
  ['an unknown level', `${base}level: severe\n`],
  [
    'an unknown step key',
    `title: x\nsequence: { by: pod, within: 1m, steps: [{ id: a, detections: { condition: a } }] }\n`,
  ],
  ['neither detection, any nor sequence', 'title: x\n'],
  [
    'an event of a test that does not exist',
    `${base}tests: [{ name: x, events: [{ execute: {} }], expect: { alerts: 1 } }]\n`,
  ],
])('refuses %s', (_what, text) => {
  expect(problems(base)).toEqual([]);
  expect(problems(text)).not.toEqual([]);
});

it('offers every field with its description, alone and with modifiers', () => {
  const { properties } = schema.definitions.selection;
  for (const field of FIELDS) expect(properties[field.name]?.description).toContain(field.describe);
  expect(properties['process.binary|endswith']).toBeDefined();
  expect(properties['network.destination.port|gte']).toBeDefined();
});

it('explains every key of a rule and every modifier', () => {
  for (const [key, { description }] of Object.entries(schema.properties))
    expect([key, description]).not.toEqual([key, undefined]);
  expect(Object.keys(MODIFIER_TEXTS).sort()).toEqual([...MODIFIERS].sort());
});
