/** What a Sigma document says of itself, read leniently: custom keys and shapes are allowed by its specification. */
import { didYouMean } from '../names.ts';
import { LEVELS, type Level } from '../rule.ts';
import type { Problems } from '../yaml.ts';

export interface SigmaMetadata {
  readonly title: string;
  /** '' when absent. */
  readonly id: string;
  /** Other than its id, the name by which correlations and filters refer to it, or ''. */
  readonly name: string;
  readonly level: Level;
  readonly status: string;
  readonly description: string;
  readonly author: string;
  readonly date: string;
  readonly references: readonly string[];
  readonly tags: readonly string[];
  readonly falsepositives: readonly string[];
}

const CHARS_MAX = 65_535;
const ITEMS_MAX = 1_000;

function text(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, CHARS_MAX);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function texts(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, ITEMS_MAX) : [value];
  return list.map(text).filter(item => item !== '');
}

/** Null after reporting a document without title or with a level that is none. A rule without level is medium. */
export function readMetadata(value: Readonly<Record<string, unknown>>, problems: Problems): SigmaMetadata | null {
  const title = text(value.title).trim();
  if (title === '') {
    problems.add('missing-key', [], 'title is missing');
    return null;
  }
  const level = value.level == null ? 'medium' : text(value.level).toLowerCase();
  const known = LEVELS.find(each => each === level);
  if (known === undefined) {
    const hint = didYouMean(level, LEVELS) || `one of ${LEVELS.join(', ')}`;
    problems.add('bad-level', ['level'], `unknown level ${level}`, hint);
    return null;
  }
  return {
    title,
    id: text(value.id).trim(),
    name: text(value.name).trim(),
    level: known,
    status: text(value.status) || 'stable',
    description: text(value.description),
    author: texts(value.author).join(', '),
    date: text(value.date),
    references: texts(value.references ?? value.reference),
    tags: texts(value.tags).map(tag => tag.toLowerCase()),
    falsepositives: texts(value.falsepositives),
  };
}
