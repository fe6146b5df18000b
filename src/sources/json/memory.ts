/**
 * What a decoder remembers of processes: the facts that it last gave for each exec_id, and what it said about their parents.
 *
 * One rule decides what an event says (both decoders keep it): `process` is the object given before while its content stays
 * the same; `parent` and `ancestors` are given when they differ from those last given with this very object, else left out.
 * An exec_id has two versions, because Tetragon's blocks differ by role: as an event's own process, and as a relative.
 */
import type { ProcessFacts } from '../../model/process.ts';
import { GenerationMap, type Interned } from '../intern.ts';
import { processFacts, sameFacts } from './process.ts';
import type { BlockTemplate } from './template.ts';
import type { Json } from './values.ts';

/** Exec_ids a generation: a node runs a few thousand processes, each with up to two blocks of about 3 kB. */
const PROCESSES_MAX = 8_192;

/** One content of a process block, and the bytes that are known to mean it. */
export interface Version {
  readonly facts: ProcessFacts;
  template: BlockTemplate | null;
  /** Versions given last as parent and ancestors of an event whose own process was this version. */
  parent: Version | null;
  ancestors: readonly Version[];
}

interface Entry {
  own: Version | null;
  relative: Version | null;
}

export type Role = keyof Entry;

export const NO_ANCESTORS: readonly ProcessFacts[] = Object.freeze([]) as readonly ProcessFacts[];

export class ProcessMemory {
  readonly #entries = new GenerationMap<string, Entry>(PROCESSES_MAX);
  readonly #interned: Interned;

  constructor(interned: Interned) {
    this.#interned = interned;
  }

  get evicted(): number {
    return this.#entries.evicted;
  }

  /** The version last seen in this role whose bytes may be compared, without judging its content. */
  last(execId: string, role: Role): Version | null {
    return this.#entries.get(execId)?.[role] ?? null;
  }

  /** What was last said about the relatives of this process has reached nobody: its next event says it again. */
  takeBack(execId: string): void {
    const own = this.#entries.get(execId)?.own ?? null;
    if (own === null) return;
    own.parent = null;
    own.ancestors = [];
  }

  /** The version in `role` of content that was recognised as that of the version in the other role. */
  adopt(execId: string, role: Role, known: Version): Version {
    const entry = this.#entries.get(execId);
    const before = entry?.[role] ?? null;
    if (before !== null && (before.facts === known.facts || sameFacts(before.facts, known.facts))) return before;
    const version = newVersion(known.facts);
    version.template = known.template;
    if (entry !== undefined) entry[role] = version;
    return version;
  }

  /** The version of a parsed block; the one known before when the content is the same. */
  version(block: Json, role: Role): Version {
    return this.versionOf(processFacts(block, this.#interned), role);
  }

  /** The version of a block's facts; the one known before when the content is the same. */
  versionOf(facts: ProcessFacts, role: Role): Version {
    if (facts.execId === '') return newVersion(facts);
    let entry = this.#entries.get(facts.execId);
    if (entry === undefined) {
      entry = { own: null, relative: null };
      this.#entries.set(facts.execId, entry);
    }
    const before = entry[role];
    if (before !== null && sameFacts(before.facts, facts)) return before;
    const other = entry[role === 'own' ? 'relative' : 'own'];
    const version = newVersion(other !== null && sameFacts(other.facts, facts) ? other.facts : facts);
    entry[role] = version;
    return version;
  }
}

function newVersion(facts: ProcessFacts): Version {
  return { facts, template: null, parent: null, ancestors: [] };
}

function same(a: Version, b: Version | null | undefined): boolean {
  return a === b || (b !== null && b !== undefined && (a.facts === b.facts || sameFacts(a.facts, b.facts)));
}

/** The parent to report with `own`, remembering that it was. */
export function newParent(own: Version, parent: Version | null): ProcessFacts | null {
  if (parent === null || same(parent, own.parent)) return null;
  own.parent = parent;
  return parent.facts;
}

/** The ancestors to report with `own`, remembering that they were. */
export function newAncestors(own: Version, ancestors: readonly Version[]): readonly ProcessFacts[] {
  const before = own.ancestors;
  if (ancestors === before) return NO_ANCESTORS;
  if (ancestors.length === before.length && ancestors.every((one, i) => same(one, before[i]))) return NO_ANCESTORS;
  if (ancestors.length === 0) return NO_ANCESTORS;
  own.ancestors = ancestors;
  return ancestors.map(one => one.facts);
}
