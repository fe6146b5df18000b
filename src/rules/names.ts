/** Hints for mistyped names. */
import { nearest } from '../model/nearest.ts';

/** `did you mean x?`, or ''. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const match = nearest(name, known);
  return match === null ? '' : `did you mean ${match}?`;
}
