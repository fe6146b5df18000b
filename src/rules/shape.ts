/** zod's findings as diagnostics at their places. */
import type { z } from 'zod';
import type { DiagnosticCode } from './diagnostics.ts';
import { didYouMean } from './names.ts';
import type { Path, Problems } from './yaml.ts';

/** The parsed value, or null after reporting every issue under `code`. */
export function parseShape<T extends z.ZodType>(
  schema: T,
  value: unknown,
  path: Path,
  problems: Problems,
  code: DiagnosticCode = 'bad-shape',
): z.output<T> | null {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const at: Path = [...path, ...issue.path.map(step => (typeof step === 'symbol' ? String(step) : step))];
    if (issue.code === 'unrecognized_keys') {
      const known = 'shape' in schema ? Object.keys(schema.shape as object) : [];
      for (const key of issue.keys)
        problems.add(code, [...at, key], `unknown key ${key}`, didYouMean(key, known), 'key');
      continue;
    }
    const name = at.at(-1);
    problems.add(code, at, `${name === undefined ? 'value' : name}: ${issue.message}`);
  }
  return null;
}
