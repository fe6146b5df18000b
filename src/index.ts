/**
 * Spoor as a library: the fold, and what it needs.
 *
 * ```ts
 * import { Engine, decodeLine, loadRules } from 'spoor';
 * const { rules } = loadRules([{ file: 'own.yaml', text }]);
 * const engine = new Engine({ rules });
 * for (const line of lines) for (const { alert } of engine.step(decodeLine(line)).changes) console.log(alert.message);
 * ```
 */
export type { Alert, AlertChange, Incident } from './alerts/alert.ts';
export { podTree, processTree } from './context/views.ts';
export { Engine, type EngineOptions, type Step } from './engine.ts';
export type { Event } from './model/event.ts';
export type { Observation } from './model/observation.ts';
export { readRuleFiles, shippedRules } from './rule-files.ts';
export { formatDiagnostic } from './rules/diagnostics.ts';
export { loadRules } from './rules/load.ts';
export type { Rule } from './rules/rule.ts';
export { decodeLine } from './sources/json/decoder.ts';
