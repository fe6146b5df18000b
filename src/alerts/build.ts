/** A finding written out as an alert: everything a person needs, and nothing that still points into the engine. */
import { LIMITS } from '../model/limits.ts';
import type { Observation } from '../model/observation.ts';
import { ancestorsOf, baseName, type PodFacts, type Process } from '../model/process.ts';
import { formatInstant } from '../model/time.ts';
import type { Finding } from '../rules/finding.ts';
import { renderMessage } from '../rules/message.ts';
import type { Alert, AlertEvidence, AlertProcess, AlertRule, Gap } from './alert.ts';
import { flowsOf } from './flows.ts';
import { alertId } from './identity.ts';
import { overlaps } from './recent.ts';
import { cut } from './text.ts';
import { podName, treeRoot } from './trees.ts';

export const TREES_MAX = 16;
export const MESSAGE_CHARS_MAX = 400;
/** Arguments can be as long as the attacker likes. Records beyond what an alert may hold are cut to their heads. */
const ARGUMENTS_CHARS_MAX = 16 * 1024;
const RAW_CHARS_MAX = 1024 * 1024;
const RAW_HEAD_CHARS = 4 * 1024;

function processOf(process: Process): AlertProcess {
  const facts = process.facts;
  return {
    exec_id: process.execId,
    pid: facts.pid,
    binary: facts.binary,
    arguments: cut(facts.arguments, ARGUMENTS_CHARS_MAX),
    uid: facts.uid,
    cwd: facts.cwd,
    start_time: process.placeholder ? null : formatInstant(facts.startTime, facts.startNs),
  };
}

function rawOf(line: string, room: number): unknown {
  if (line.length > room) return { truncated: true, chars: line.length, head: line.slice(0, RAW_HEAD_CHARS) };
  try {
    return JSON.parse(line);
  } catch {
    return { unparsable: true, chars: line.length, head: line.slice(0, RAW_HEAD_CHARS) };
  }
}

/** Evidence, and the first event of every step; the same event under two steps is kept once. */
function evidenceOf(finding: Finding): { evidence: AlertEvidence[]; steps: Record<string, { event: number }> } {
  const evidence: AlertEvidence[] = [];
  const steps: Record<string, { event: number }> = Object.create(null);
  const at = new Map<Observation, number>();
  let room = RAW_CHARS_MAX;
  for (const { step, observation } of finding.evidence) {
    let index = at.get(observation);
    if (index === undefined) {
      index = evidence.length;
      at.set(observation, index);
      const { kind, time, ns } = observation.event;
      const line = observation.event.raw.line();
      evidence.push({ kind, time: formatInstant(time, ns), step, raw: rawOf(line, room) });
      if (line.length <= room) room -= line.length;
    }
    steps[step] ??= { event: index };
  }
  return { evidence, steps: { ...steps } };
}

/** The trigger's process first, then those of the other evidence, latest first: what an alert is about comes last. */
function processesOf(finding: Finding): Process[] {
  const found = new Set<Process>();
  if (finding.trigger.process !== null) found.add(finding.trigger.process);
  for (let i = finding.evidence.length - 1; i >= 0; i--) {
    const process = finding.evidence[i]!.observation.process;
    if (process !== null) found.add(process);
  }
  return [...found];
}

function podOf(finding: Finding, process: Process | null): PodFacts | null {
  return (
    finding.trigger.pod ??
    process?.pod ??
    finding.evidence.find(e => e.observation.pod !== null)?.observation.pod ??
    null
  );
}

function startOf(pod: PodFacts, root: Process | null): string | null {
  const started = pod.container?.startTime ?? null;
  if (started !== null) return formatInstant(started);
  const first = root !== null && !root.placeholder && root.facts.inInitTree === true ? root.facts : null;
  return first === null ? null : formatInstant(first.startTime, first.startNs);
}

/** Gaps in what the sensors of this node reported between the finding's first and last event. */
function gapsOf(finding: Finding, gaps: readonly Gap[]): Gap[] {
  if (gaps.length === 0) return [];
  const from = formatInstant(finding.from);
  const to = formatInstant(finding.time, finding.ns);
  const node = finding.trigger.event.node;
  return gaps.filter(gap => overlaps(gap, node, from, to)).slice(0, LIMITS.gapsPerAlertMax);
}

/** The rule's own message, else its title with who and where. */
function messageOf(finding: Finding, process: Process | null, pod: PodFacts | null): string {
  const { rule, trigger, evidence } = finding;
  if (rule.message !== '') return cut(renderMessage(rule, trigger, evidence), MESSAGE_CHARS_MAX);
  const who = process === null || process.placeholder ? '' : ` ${baseName(process.facts.binary)}`;
  const where = pod === null ? '' : ` in ${podName(pod)}`;
  return cut(`${rule.title}${who === '' && where === '' ? '' : ':'}${who}${where}`, MESSAGE_CHARS_MAX);
}

function ruleOf(finding: Finding): AlertRule {
  const { id, title, level, tags, author, description, runbook, references } = finding.rule;
  return { id, title, level, tags, author, description, runbook, references };
}

/** The alert of a finding that stands alone: count 1, no incident. */
export function buildAlert(finding: Finding, gaps: readonly Gap[]): Alert {
  const processes = processesOf(finding);
  const process = processes[0] ?? null;
  const pod = podOf(finding, process);
  const roots = new Set(processes.map(treeRoot));
  const time = formatInstant(finding.time, finding.ns);
  const { evidence, steps } = evidenceOf(finding);
  const overlapping = gapsOf(finding, gaps);
  const container = pod?.container ?? null;
  const observations = finding.evidence.map(e => e.observation);
  return {
    id: alertId(finding),
    time,
    rule: ruleOf(finding),
    incident_id: '',
    key: finding.key,
    trees: [...roots].slice(0, TREES_MAX).map(root => root.execId),
    first_seen: finding.from === finding.time ? time : formatInstant(finding.from),
    count: 1,
    last_seen: time,
    confidence: finding.confidence,
    incomplete: overlapping.length > 0,
    gaps: overlapping,
    cluster: finding.trigger.event.cluster,
    node: finding.trigger.event.node,
    pod:
      pod === null
        ? null
        : {
            namespace: pod.namespace,
            name: pod.name,
            workload: pod.workload,
            workload_kind: pod.workloadKind,
            labels: pod.labels,
          },
    container:
      pod === null || container === null
        ? null
        : {
            id: container.id,
            name: container.name,
            image: container.imageName,
            start_time: startOf(pod, process === null ? null : treeRoot(process)),
          },
    process: process === null ? null : processOf(process),
    ancestors: process === null ? [] : ancestorsOf(process).map(processOf),
    flows: flowsOf(observations, processes),
    steps,
    evidence,
    message: messageOf(finding, process, pod),
  };
}
