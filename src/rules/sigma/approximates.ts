/** What a Sigma rule that runs asks for and only nearly gets. */
import { sigmaApproximation } from '../catalogue/sigma.ts';
import { isRecord, type Path, type Problems } from '../yaml.ts';
import type { SigmaReason } from './outcome.ts';

/** In Sysmon's terms a file event is the making of a file; sensors tell of opening and writing. */
const CATEGORIES: Readonly<Record<string, string>> = {
  file_event: 'file_event (files created): files opened or written',
};

/** Each kind once, at its first place. */
export function approximations(value: Readonly<Record<string, unknown>>, problems: Problems): SigmaReason[] {
  const found = new Map<string, Path>();
  const category = isRecord(value.logsource) ? String(value.logsource.category).toLowerCase() : '';
  const told = Object.hasOwn(CATEGORIES, category) ? CATEGORIES[category] : undefined;
  if (told !== undefined) found.set(told, ['logsource', 'category']);
  const walk = (selection: unknown, path: Path): void => {
    if (Array.isArray(selection)) for (const [i, each] of selection.entries()) walk(each, [...path, i]);
    if (!isRecord(selection)) return;
    for (const [key, below] of Object.entries(selection)) {
      const text = sigmaApproximation(key.split('|', 1)[0] as string);
      if (text !== null && !found.has(text)) found.set(text, [...path, key]);
      if (isRecord(below) || Array.isArray(below)) walk(below, [...path, key]);
    }
  };
  walk(value.detection, ['detection']);
  return [...found].map(([text, path]) => ({ text, ...problems.place(path, 'key') }));
}
