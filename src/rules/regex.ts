/** Regular expressions in linear time (RE2), compiled once for all rules and reloads that use the same one. */
import { RE2JS } from 're2js';

const CACHED_MAX = 10_000;
const cache = new Map<string, RE2JS>();

/** `flags` are any of `ims`. Throws when `source` is no RE2 expression. */
export function regexOf(source: string, flags: string): RE2JS {
  const key = `${flags}/${source}`;
  let found = cache.get(key);
  if (found === undefined) {
    const bits =
      (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) |
      (flags.includes('m') ? RE2JS.MULTILINE : 0) |
      (flags.includes('s') ? RE2JS.DOTALL : 0);
    found = RE2JS.compile(source, bits);
    if (cache.size >= CACHED_MAX) cache.clear();
    cache.set(key, found);
  }
  return found;
}
