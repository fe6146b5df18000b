/** The honest renderings of a process's name and command line, made once for each block of facts. */
import { baseName, type ProcessFacts } from '../../model/process.ts';

interface Rendered {
  readonly name: string;
  readonly commandLines: readonly string[];
}

/** A program of many: its first argument says which. */
const MULTI_CALL = new Set(['busybox', 'toybox']);

const cache = new WeakMap<ProcessFacts, Rendered>();
let lastFacts: ProcessFacts | null = null;
let lastRendered: Rendered | null = null;

function rendered(facts: ProcessFacts): Rendered {
  if (facts === lastFacts && lastRendered !== null) return lastRendered;
  let found = cache.get(facts);
  if (found === undefined) {
    found = { name: nameOf(facts), commandLines: commandLinesOf(facts) };
    cache.set(facts, found);
  }
  lastFacts = facts;
  lastRendered = found;
  return found;
}

/** Base name of the binary; for busybox and toybox the applet that the arguments name. */
export const processName = (facts: ProcessFacts): string => rendered(facts).name;

/**
 * Every form in which a pattern may honestly expect the command line: the binary as path and as base name, each with the
 * arguments as reported and with the quotes that the sensor puts round arguments with spaces removed; the reported form first.
 */
export const commandLines = (facts: ProcessFacts): readonly string[] => rendered(facts).commandLines;

function nameOf(facts: ProcessFacts): string {
  const base = baseName(facts.binary);
  if (!MULTI_CALL.has(base)) return base;
  const applet = /^[a-z0-9_.[-]+(?=\s|$)/i.exec(facts.arguments)?.[0] ?? '';
  return applet === '' || applet.startsWith('-') ? base : applet;
}

function commandLinesOf(facts: ProcessFacts): readonly string[] {
  const { binary, arguments: args } = facts;
  if (binary === '') return args === '' ? [] : [args];
  const base = baseName(binary);
  if (args === '') return base === binary ? [binary] : [binary, base];
  const forms = [`${binary} ${args}`];
  if (base !== binary) forms.push(`${base} ${args}`);
  if (args.includes('"')) {
    const bare = withoutAddedQuotes(args);
    if (bare !== args) {
      forms.push(`${binary} ${bare}`);
      if (base !== binary) forms.push(`${base} ${bare}`);
    }
  }
  return forms;
}

/** The sensor quotes a whole argument that has spaces, unescaped: a quote after a space or at the start, and before one or the end. */
function withoutAddedQuotes(args: string): string {
  return args.replace(/(^|\s)"/g, '$1').replace(/"(?=\s|$)/g, '');
}
