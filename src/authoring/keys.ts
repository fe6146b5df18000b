/** What the keys of a rule mean, for editors: schema, completion and hover read it. */

type Descriptions = Readonly<Record<string, string>>;

/** By the part of a rule in which they stand. */
export const KEYS = {
  rule: {
    title: 'What it finds, in a few words. Alerts are named after it.',
    id: 'A UUID that stays the same for the life of the rule.',
    name: 'A short name by which Sigma correlations and filters refer to it.',
    status: 'stable, test, experimental, deprecated or unsupported.',
    level: 'informational, low, medium, high, or critical: a person must look now.',
    description: 'What it looks for and why that matters.',
    author: 'Who is to be asked.',
    license: 'Licence of the rule, as an SPDX identifier.',
    date: 'When it was written: YYYY-MM-DD.',
    modified: 'When it was changed last: YYYY-MM-DD.',
    references: 'Where to read more.',
    related: 'Other rules, by id, and how they are related.',
    tags: 'ATT&CK tactics and techniques: attack.execution, attack.t1059.004.',
    falsepositives: 'Who does the same rightly.',
    fields: "Fields that an analyst wants to see; Sigma's.",
    runbook: 'What to do when it fires: text or a URL.',
    message: 'One line for people, with {field} placeholders: {process.command_line}. In sequences {step.field}.',
    taxonomy: 'spoor: field names are those of the catalogue. Without it, those of Sigma are mapped.',
    scope: 'Where in the world of Sigma it applies.',
    requires: 'Sensor settings that it needs beyond those that follow from its fields.',
    logsource: 'Kinds of events: {category: process_creation}.',
    detection: 'Selections by name, and a condition over them.',
    lists: "Value lists for this rule: field|expand: '%name%'.",
    macros: 'Selections for this rule that conditions can name.',
    any: 'Several branches {id, logsource, detection}, each of which fires the rule.',
    sequence: 'Steps that must happen in order, tied together by process, pod, connection or fields.',
    count: 'A threshold on the matches: {gte, distinct, by, within}.',
    first_seen: 'Fires on a combination never seen before for that key: {fields, by, learn}.',
    exceptions: 'What is not reported: {name, fields, comps, values, expires}. All fields of a row must match.',
    risk: 'Points that a match adds to its process tree, pod and workload; past a threshold an incident opens.',
    tests: 'Events with the alerts expected of them: at least one test that fires, one that does not.',
  },
  logsource: {
    category: 'Which events: process_creation, network_connection, file_access, dns, …',
    product: 'linux or kubernetes.',
    service: "Sigma's; none of its logs is among what the sensors report.",
    kind: 'Kinds of events by their own names: process_exec, flow, …',
    definition: 'For people: how the log has to be set up.',
  },
  detection: {
    condition: 'Selections by name with and, or, not, ( ), 1 of x*, all of them. Macros can be named, too.',
  },
  branch: { id: 'A word that names the branch in alerts.', logsource: '', detection: '' },
  sequence: {
    by: 'process, process_tree, pod, node, connection, or a list of fields whose values must be equal.',
    within: 'The longest time from the first event to the last: 5m.',
    fallback: 'pod: a flow whose process is not known may join by its pod; confidence is low then.',
    steps: 'What must happen, in order.',
    until: 'Forgets the partial sequence: {logsource, detection}.',
  },
  step: {
    id: 'A word by which alerts, messages and tests name the step.',
    logsource: 'Kinds of events; else those of the rule.',
    detection: 'Selections and a condition.',
    by: "Key fields of this step, where names differ from the sequence's.",
    runs: 'How many times the step must happen.',
    absent: 'True: it must not happen between its neighbours.',
    count: '{distinct, gte}: so many different values of a field.',
  },
  count: {
    gte: 'How many.',
    distinct: 'Count different values of this field instead of matches.',
    by: 'Fields by whose values it is counted apart; none counts the rule as a whole.',
    within: 'The window: 1m.',
  },
  first_seen: {
    fields: 'The combination that must be new.',
    by: 'For whom: fields such as pod.namespace and pod.workload.',
    learn: 'How long it only learns: 24h, in event time.',
  },
  exception: {
    name: 'What it is called.',
    fields: 'Fields that are compared.',
    comps: 'How, one a field: =, in, startswith, endswith, contains, glob, regex, cidr, <, <=, >, >=.',
    values: 'Rows, with one value a field.',
    expires: 'The day from which it is no longer in force: YYYY-MM-DD.',
  },
  test: {
    name: 'What it shows.',
    events:
      '- exec: {p: A, binary: /usr/bin/nc, arguments: -e /bin/sh, pod: shop/cart}. Anything left out is filled in.',
    capture: 'Recorded events to replay first; paths are relative to this file.',
    expect: '{alerts: 1}, or {alerts: [{pod: shop/cart}]}; attribution and confidence when they matter.',
  },
} as const satisfies Readonly<Record<string, Descriptions>>;

export type Part = keyof typeof KEYS;

export const keysOf = (part: Part): Descriptions => KEYS[part];

/** What the modifiers do. */
export const MODIFIER_TEXTS: Descriptions = {
  contains: 'the value occurs in the text',
  startswith: 'the text begins with the value',
  endswith: 'the text ends with the value',
  re: 'a regular expression (RE2: no look-around) matches anywhere in it',
  i: 'flag of re: upper and lower case are the same',
  m: 'flag of re: ^ and $ at every line',
  s: 'flag of re: . matches line ends, too',
  exists: 'true: the event carries the field; false: it does not',
  cidr: 'the address is in the network',
  fieldref: 'the value is the name of another field, whose value is compared',
  any: 'for ancestors: one of them satisfies the nested selection',
  gt: 'greater than',
  gte: 'greater than or equal',
  lt: 'less than',
  lte: 'less than or equal',
  neq: 'the field is there and does not match',
  all: 'every value must match, not any of them',
  cased: 'upper and lower case differ',
  name: 'compare the base name of a path',
  base64: 'the value encoded in base64',
  base64offset: 'the value in base64 at any of three offsets',
  wide: 'the value in UTF-16, little endian',
  utf16le: 'the value in UTF-16, little endian',
  utf16be: 'the value in UTF-16, big endian',
  utf16: 'the value in UTF-16 with a byte order mark',
  windash: 'the value with - and / and long dashes for -',
  expand: "'%name%' stands for every value of a list",
};
