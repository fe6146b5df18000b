/** The text fields that a plain keyword is looked for in. */
import { findField } from './catalogue/catalogue.ts';
import type { Field } from './catalogue/field.ts';

const NAMES = [
  'process.command_line',
  'file.path',
  'mount.source',
  'mount.target',
  'module.name',
  'kprobe.function',
  'kprobe.message',
  'dns.query',
  'http.url',
  'network.destination.names',
];

export const KEYWORD_FIELDS: readonly Field[] = NAMES.map(findField).filter(field => field !== null);
