/**
 * Process trees as the API gives them: a flat list in tree order (a tree may be deeper than any JSON parser likes), made of what
 * the engine knows right now and, where it has forgotten, of what the alerts of an incident remember.
 */
import type { Alert, AlertEvidence, AlertProcess } from '../alerts/alert.ts';
import { sees } from './auth.ts';
import type { LivePod, LiveViews, Scope } from './deps.ts';
import { type RecordProcess, recordProcesses } from './record.ts';
import { TreeBuilder, type TreeView } from './tree-builder.ts';
import { connectionView, flowView, storedView } from './views.ts';

/** The tree of a pod as the engine knows it. */
export function podTree(pod: LivePod, scope: Scope, processesMax: number): TreeView {
  const builder = new TreeBuilder(scope, processesMax);
  for (const process of pod.processes()) builder.addLive(process);
  for (const connection of pod.ownConnections()) {
    if (connection.process === null && connection.serverProcess === null) {
      builder.addConnection(connectionView(connection, scope));
    }
  }
  return builder.finish();
}

/** The trees of an incident: first what its alerts name, then what the engine knows around it. */
export function incidentTree(
  alerts: readonly Alert[],
  evidence: readonly AlertEvidence[],
  live: LiveViews,
  scope: Scope,
  processesMax: number,
): TreeView {
  const builder = new TreeBuilder(scope, processesMax);
  const named = new Set<string>();
  const addKnown = (stored: RecordProcess): void => {
    named.add(stored.process.exec_id);
    const known = live.process(stored.process.exec_id);
    if (known === null) builder.add(storedView(stored));
    else builder.addLive(known);
  };
  for (const alert of alerts) {
    const chain = alert.process === null ? alert.ancestors : [alert.process, ...alert.ancestors];
    for (const [at, process] of chain.entries()) {
      addKnown({ process, parent: chain[at + 1]?.exec_id ?? null, node: alert.node, pod: null });
    }
    markPod(builder, alert, chain);
  }
  for (const record of evidence) {
    for (const stored of recordProcesses(record.raw)) addKnown(stored);
  }
  for (const alert of alerts) for (const flow of alert.flows) builder.addConnection(flowView(flow));
  const roots = new Set([...named, ...alerts.flatMap(alert => alert.trees)]);
  for (const execId of roots) {
    const process = live.process(execId);
    // Below a host's process is the whole host: only what happens in containers is expanded.
    if (process !== null && process.pod !== null && sees(scope, process.pod.namespace)) {
      builder.addLive(process);
      builder.addDescendants(process);
    }
  }
  return builder.finish();
}

/** Marks the alert's process, and gives the stored processes of its container their pod: up to the tree's root inside it. */
function markPod(builder: TreeBuilder, alert: Alert, chain: readonly AlertProcess[]): void {
  const triggered = alert.process === null ? undefined : builder.get(alert.process.exec_id);
  if (triggered !== undefined && !triggered.alerts.includes(alert.id)) triggered.alerts.push(alert.id);
  if (alert.pod === null) return;
  const root = chain.findIndex(process => alert.trees.includes(process.exec_id));
  for (const process of chain.slice(0, Math.max(root, 0) + 1)) {
    const view = builder.get(process.exec_id);
    if (view === undefined || view.known === 'live') continue;
    view.pod = `${alert.pod.namespace}/${alert.pod.name}`;
    if (alert.container !== null) view.container = alert.container;
  }
}
