/** The JSON Schema of a rule file, for editors with a YAML language server: made of the zod schemas and the field catalogue. */
import { z } from 'zod';
import { FAMILIES, FIELDS, OBJECT_LISTS } from '../rules/catalogue/catalogue.ts';
import { ALL_KINDS, type FieldType } from '../rules/catalogue/field.ts';
import { SIGMA_NAMES, sigmaField } from '../rules/catalogue/sigma.ts';
import { CATEGORIES } from '../rules/categories.ts';
import { MODIFIERS } from '../rules/modifiers.ts';
import { LEVELS } from '../rules/rule.ts';
import {
  branchSchema,
  countSchema,
  exceptionSchema,
  firstSeenSchema,
  metadataSchema,
  RULE_KEYS,
  sequenceSchema,
  stepSchema,
  testSchema,
} from '../rules/schema.ts';
import { keysOf, MODIFIER_TEXTS, type Part } from './keys.ts';

type Schema = Readonly<Record<string, unknown>>;

const ref = (name: string): Schema => ({ $ref: `#/definitions/${name}` });

const SCALAR: Schema = { type: ['string', 'number', 'boolean', 'null'] };
const many = (item: Schema): Schema => ({ anyOf: [item, { type: 'array', items: item, minItems: 1 }] });

/** Modifiers that an author of such a field looks for; other combinations are accepted, too. */
const OFFERED: Readonly<Record<FieldType, readonly string[]>> = {
  string: ['contains', 'startswith', 'endswith', 're', 'contains|all', 'expand', 'exists', 'neq', 'cased', 'fieldref'],
  strings: ['contains', 'startswith', 'endswith', 're', 'all', 'contains|all', 'expand', 'exists', 'neq', 'cidr'],
  ip: ['cidr', 'exists', 'neq', 'startswith', 'fieldref'],
  number: ['gt', 'gte', 'lt', 'lte', 'neq', 'exists', 'fieldref'],
  boolean: ['exists'],
  instant: ['gt', 'gte', 'lt', 'lte', 'exists'],
  scalar: ['contains', 'startswith', 'endswith', 're', 'gt', 'gte', 'lt', 'lte', 'exists', 'neq', 'cidr'],
};

function valueSchema(type: FieldType, modifier: string): Schema {
  if (modifier === 'exists') return { type: 'boolean' };
  if (['gt', 'gte', 'lt', 'lte'].includes(modifier)) return many({ type: ['number', 'string'] });
  if (type === 'boolean') return many({ type: ['boolean', 'null'] });
  return ref('values');
}

const withRequires = (text: string, requires: readonly string[]): string =>
  requires.length === 0 ? text : `${text} (needs ${requires.join(', ')})`;

/** The same fields by Sigma's names, as rules without `taxonomy: spoor` have them. */
const namedFields = [
  ...FIELDS.map(({ name, type, describe, requires }) => ({ name, type, describe: withRequires(describe, requires) })),
  ...SIGMA_NAMES.map(name => {
    const field = FIELDS.find(one => one.name === sigmaField(name));
    return { name, type: field?.type ?? ('string' as const), describe: `Sigma's name of ${sigmaField(name)}` };
  }),
];

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function selectionMap(): Schema {
  const properties: Record<string, Schema> = {};
  for (const { name, type, describe } of namedFields) {
    properties[name] = { ...valueSchema(type, ''), description: describe };
    for (const modifier of OFFERED[type]) {
      const what = modifier
        .split('|')
        .map(one => MODIFIER_TEXTS[one] ?? one)
        .join('; ');
      properties[`${name}|${modifier}`] = { ...valueSchema(type, modifier), description: `${describe}: ${what}` };
    }
  }
  for (const list of OBJECT_LISTS)
    properties[`${list}|any`] = { ...ref('selection'), description: 'One of them satisfies this selection.' };
  const modifiers = `(\\|(${MODIFIERS.join('|')}))*$`;
  const names = [...FIELDS.map(({ name }) => name), ...SIGMA_NAMES, '', ...OBJECT_LISTS];
  const patternProperties: Record<string, Schema> = {
    // Any other combination; what is wrong about one, lint says better. Without a field: keywords.
    [`^(${names.map(escaped).join('|')})${modifiers}`]: {},
  };
  for (const family of FAMILIES) {
    patternProperties[`^${escaped(family.prefix)}[^|]+${modifiers}`] = {
      description: `${family.pattern}: ${withRequires(family.describe, family.requires)}`,
    };
  }
  return { type: 'object', properties, patternProperties, additionalProperties: false, minProperties: 1 };
}

/** A zod schema as a definition, with what its keys mean and what other definitions know better. */
function part(schema: z.ZodType, name: Part, over: Readonly<Record<string, Schema>> = {}): Schema {
  const made = z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' }) as Schema;
  const { $schema: _, ...rest } = made;
  const texts = keysOf(name);
  const properties = Object.fromEntries(
    Object.entries((made.properties ?? {}) as Record<string, Schema>).map(([key, value]) => [
      key,
      { ...value, ...over[key], ...(texts[key] ? { description: texts[key] } : {}) },
    ]),
  );
  return { ...rest, properties };
}

const WINDOW: Schema = { type: 'string', examples: ['30s', '5m', '1h', '24h'] };

/** Draft 7, which YAML language servers take. */
export function ruleFileSchema(): Schema {
  const metadata = part(metadataSchema, 'rule', {
    level: { enum: [...LEVELS] },
    taxonomy: { enum: ['spoor', 'sigma'] },
  });
  const own: Readonly<Record<string, Schema>> = {
    logsource: ref('logsource'),
    detection: ref('detection'),
    lists: { type: 'object', additionalProperties: { type: 'array', items: SCALAR, minItems: 1 } },
    macros: { type: 'object', additionalProperties: ref('selectionOrList') },
    any: { type: 'array', items: ref('branch'), minItems: 1 },
    sequence: ref('sequence'),
    count: ref('count'),
    first_seen: ref('firstSeen'),
    exceptions: { type: 'array', items: ref('exception') },
    tests: { type: 'array', items: ref('test') },
    correlation: { type: 'object', description: "A Sigma correlation of other rules' matches." },
    filter: { type: 'object', description: 'A Sigma filter of other rules.' },
  };
  const texts = keysOf('rule');
  const properties: Record<string, Schema> = { ...(metadata.properties as Record<string, Schema>) };
  for (const key of new Set([...RULE_KEYS, 'correlation', 'filter']))
    properties[key] = { ...properties[key], ...own[key], ...(texts[key] ? { description: texts[key] } : {}) };
  const matcher = { logsource: ref('logsource'), detection: ref('detection') };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Spoor rule',
    description: 'A native or Sigma rule, or a document of shared lists and macros.',
    type: 'object',
    properties,
    // Keys that Sigma's authors add are no mistake.
    additionalProperties: true,
    anyOf: [
      { required: ['title', 'detection'] },
      { required: ['title', 'any'] },
      { required: ['title', 'sequence'] },
      { required: ['title', 'correlation'] },
      { required: ['title', 'filter'] },
      { required: ['lists'] },
      { required: ['macros'] },
      { required: ['action'] },
    ],
    definitions: {
      values: many(SCALAR),
      selection: selectionMap(),
      selectionOrList: {
        anyOf: [
          ref('selection'),
          { type: 'array', items: { anyOf: [ref('selection'), { type: ['string', 'number'] }] }, minItems: 1 },
          { type: ['string', 'number'], description: 'A keyword: searched for in every text of the event.' },
        ],
      },
      detection: {
        type: 'object',
        properties: {
          condition: { type: 'string', description: keysOf('detection').condition },
          timeframe: { type: 'string' },
        },
        required: ['condition'],
        additionalProperties: ref('selectionOrList'),
      },
      logsource: {
        type: 'object',
        properties: {
          category: { type: 'string', examples: [...CATEGORIES.keys()], description: keysOf('logsource').category },
          product: { type: 'string', examples: ['linux', 'kubernetes'], description: keysOf('logsource').product },
          service: { type: 'string', description: keysOf('logsource').service },
          kind: { ...many({ enum: [...ALL_KINDS] }), description: keysOf('logsource').kind },
          definition: { type: 'string', description: keysOf('logsource').definition },
        },
      },
      branch: part(branchSchema, 'branch', matcher),
      step: part(stepSchema, 'step', matcher),
      sequence: part(sequenceSchema, 'sequence', {
        within: WINDOW,
        steps: { items: ref('step') },
        until: { anyOf: [{ type: 'null' }, { type: 'object', properties: matcher, required: ['detection'] }] },
      }),
      count: part(countSchema, 'count', { within: WINDOW }),
      firstSeen: part(firstSeenSchema, 'first_seen', { learn: WINDOW }),
      exception: part(exceptionSchema, 'exception'),
      test: part(testSchema, 'test'),
    },
  };
}
