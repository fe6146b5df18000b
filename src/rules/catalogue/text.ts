/** The honest renderings of a process's name and command line, made once for each block of facts, also in lower case. */
import { baseName, type ProcessFacts } from '../../model/process.ts';

export interface Rendered {
  /** Base name of the binary; for busybox and toybox the applet that the arguments name. */
  readonly name: string;
  readonly nameLower: string;
  readonly binaryLower: string;
  readonly argumentsLower: string;
  /**
   * Every form in which a pattern may honestly expect the command line: the binary as path and as base name, each with the
   * arguments as reported and with the quotes that the sensor puts round arguments with spaces removed; the reported form first.
   */
  readonly commandLines: readonly string[];
  readonly commandLinesLower: readonly string[];
}

/** A program of many: its first argument says which. */
const MULTI_CALL = new Set(['busybox', 'toybox']);

/** One process makes many events in a row, so a small cache suffices; it is emptied whole when full. */
const CACHED_MAX = 4_096;
const cache = new Map<ProcessFacts, Rendered>();
let lastFacts: ProcessFacts | null = null;
let lastRendered: Rendered | null = null;

export function rendered(facts: ProcessFacts): Rendered {
  if (facts === lastFacts && lastRendered !== null) return lastRendered;
  let found = cache.get(facts);
  if (found === undefined) {
    if (cache.size >= CACHED_MAX) cache.clear();
    found = render(facts);
    cache.set(facts, found);
  }
  lastFacts = facts;
  lastRendered = found;
  return found;
}

function render(facts: ProcessFacts): Rendered {
  const name = nameOf(facts);
  const forms = commandLinesOf(facts);
  return {
    name,
    nameLower: name.toLowerCase(),
    binaryLower: facts.binary.toLowerCase(),
    argumentsLower: facts.arguments.toLowerCase(),
    commandLines: forms,
    commandLinesLower: forms.map(form => form.toLowerCase()),
  };
}

function nameOf(facts: ProcessFacts): string {
  const base = baseName(facts.binary);
  if (!MULTI_CALL.has(base)) return base;
  const first = /^\S*/.exec(facts.arguments)?.[0] ?? '';
  return first === '' || first.startsWith('-') ? base : baseName(first);
}

function commandLinesOf(facts: ProcessFacts): readonly string[] {
  const { binary, arguments: args } = facts;
  if (binary === '') return args === '' ? [] : [args];
  const base = baseName(binary);
  const programs = base === binary || base === '' ? [binary] : [binary, base];
  if (args === '') return programs;
  const bare = args.includes('"') ? withoutAddedQuotes(args) : args;
  const forms = programs.map(program => `${program} ${args}`);
  if (bare !== args) for (const program of programs) forms.push(`${program} ${bare}`);
  return forms;
}

/** The sensor quotes an argument that has spaces, whole and unescaped: a quote at its start, and one before a space or the end. */
function withoutAddedQuotes(args: string): string {
  return args.replace(/(^|\s)"/g, '$1').replace(/"(?=\s|$)/g, '');
}
