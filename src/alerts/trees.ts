/** Which process tree a process belongs to, as people see it: the session or container that it came from. */
import { ancestorsOf, baseName, type PodFacts, type Process } from '../model/process.ts';

/** Programs that start unrelated things for others: a tree on the host begins below them. */
const STARTERS = new Set([
  'systemd',
  'init',
  'kubelet',
  'containerd',
  'dockerd',
  'crio',
  'conmon',
  'runc',
  'crun',
  'sshd',
  'sshd-session',
  'cron',
  'crond',
]);

function startsOthers(process: Process): boolean {
  if (process.facts.pid <= 2) return true;
  const name = baseName(process.facts.binary);
  return STARTERS.has(name) || name.startsWith('containerd-shim');
}

export function podName(pod: PodFacts): string {
  return `${pod.namespace}/${pod.name}`;
}

/** The pod, else the container, that a process runs in; '' on the host and where it is not known. */
function place(process: Process): string {
  return process.pod !== null ? podName(process.pod) : process.facts.docker;
}

/**
 * In a container: its topmost ancestor in the same pod, so that `kubectl exec` sessions are trees of their own. On the host:
 * its topmost ancestor below pid 1 and other starters; one that came out of a container belongs to that container's tree.
 */
export function treeRoot(process: Process): Process {
  let root = process;
  let at = place(process);
  for (const ancestor of ancestorsOf(process)) {
    const there = place(ancestor);
    // Of a placeholder nothing but its id is known: it may be in the middle of the container's tree.
    if (ancestor.placeholder && there === '') continue;
    if (there === at ? at === '' && startsOthers(ancestor) : at !== '') break;
    root = ancestor;
    at = there;
  }
  return root;
}
