/** Recorded files through the whole fold with the rules that ship, as `spoor replay` does. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Alert, Incident } from '../../src/alerts/alert.ts';
import { Engine } from '../../src/engine.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { readRuleFiles, shippedRules } from '../../src/rule-files.ts';
import { loadRules } from '../../src/rules/load.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { captureSource } from '../../src/sources/capture/source.ts';
import { memoryQuarantine } from '../../src/sources/quarantine.ts';

let shipped: readonly Rule[] | null = null;

export function shippedRuleSet(): readonly Rule[] {
  shipped ??= loadRules(readRuleFiles([shippedRules()])).rules;
  return shipped;
}

/** `where`: a folder with tetragon.jsonl.gz and hubble.jsonl.gz, or files. Alerts as first made, in order. */
export async function replayFolder(
  where: string | readonly string[],
  rules = shippedRuleSet(),
): Promise<{ engine: Engine; alerts: Alert[]; incidents: Incident[] }> {
  const paths =
    typeof where === 'string'
      ? ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(name => join(where, name)).filter(existsSync)
      : where;
  const engine = new Engine({ rules });
  const alerts: Alert[] = [];
  const incidents = new Map<string, Incident>();
  const failures: Error[] = [];
  const pipeline = new Pipeline({
    engine,
    sources: [captureSource({ paths, quarantine: memoryQuarantine() })],
    ordering: null,
    onStep: ({ changes }) => {
      for (const change of changes) {
        if (change.type === 'new') alerts.push(change.alert);
        if (change.incident !== null) incidents.set(change.incident.id, change.incident);
        for (const gone of change.merged) incidents.delete(gone.id);
      }
    },
    onSourceFailed: (_source, error) => failures.push(error),
  });
  await pipeline.run();
  if (failures[0] !== undefined) throw failures[0];
  return { engine, alerts, incidents: [...incidents.values()] };
}
