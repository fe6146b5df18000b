/**
 * Weak signs add up: every finding below `medium`, and of rules that name their own points, adds to the score of its process
 * tree, pod and workload. Scores halve with event time. Past the threshold the narrowest of the three that crossed it becomes
 * a finding of its own, which lists what led to it; it can come again once the score has been below the threshold.
 * A rule that repeats itself adds ever less, and never more than twice its points in all.
 */
import { ancestorsOf, baseName, type Process } from '../model/process.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { Finding } from '../rules/finding.ts';
import type { Level, Rule } from '../rules/rule.ts';
import type { AlertRisk, RiskContribution, RiskScope } from './alert.ts';
import { podName, treeRoot } from './trees.ts';

export interface RiskOptions {
  /** Points; 0 switches it off. */
  readonly threshold: number;
  /** Event time in which a score halves. Micros. */
  readonly halfLife: Micros;
}

export const RISK_DEFAULTS: RiskOptions = { threshold: 80, halfLife: 3_600 * MICROS_PER_SECOND };

/** Of rules without points of their own. With these and the default threshold two rules never cross it, however often they fire. */
const POINTS: Readonly<Record<Level, number>> = { informational: 10, low: 20, medium: 0, high: 0, critical: 0 };

const SCOPES_MAX = 20_000;
/** The newest of them outlive a restart. */
const SCOPES_SAVED_MAX = 2_000;
const TREES_PER_POD_MAX = 256;
const RULES_PER_SCOPE_MAX = 256;
const CONTRIBUTIONS_PER_SCOPE_MAX = 32;
/** What adds less is counted in the score, but not worth a line. */
const POINTS_LISTED_MIN = 0.5;
/** A score that has decayed to less is forgotten. */
const SCORE_KEPT_MIN = 0.5;

const RISK_RULE: Rule = {
  id: '5f0d3c52-6a0e-4b7e-9b0a-7d0c1c2f9a11',
  title: 'Weak signs that add up',
  level: 'medium',
  status: 'stable',
  description:
    'Several detections that say little by themselves fired in one process tree, pod or workload within a short time.',
  author: 'Spoor',
  date: '2026-11-25',
  references: [],
  tags: [],
  falsepositives: ['Administrators at work in a container'],
  runbook: 'Read the contributions in order: they are the alerts that led here, each with its process and points.',
  message: '',
  hash: 'risk-1',
  file: '',
  line: 0,
  requires: [],
  branches: [],
  sequence: null,
  count: null,
  firstSeen: null,
  excepted: () => false,
};

/** As kept: a contribution with what decay and incidents need. */
interface Kept extends RiskContribution {
  readonly micros: Micros;
  /** exec_id of its process tree's root, or ''. */
  readonly tree: string;
  readonly low: boolean;
}

interface Score {
  readonly scope: RiskScope;
  readonly name: string;
  /** Pod whose share of the memory a tree counts against, or ''. */
  readonly owner: string;
  /** Time up to which `points` are decayed. */
  at: Micros;
  /** By rule: what it added, decayed. */
  readonly points: Map<string, number>;
  readonly contributions: Kept[];
  crossed: boolean;
}

/** A score as kept over restarts. */
export interface SavedScore {
  readonly scope: RiskScope;
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly crossed: boolean;
  readonly contributions: readonly Kept[];
}

/** A finding that the scores made, with what the alert tells of it. */
export interface RiskFinding {
  readonly finding: Finding;
  readonly risk: AlertRisk;
  /** Roots of the process trees that contributed, newest first. */
  readonly trees: readonly string[];
}

export class RiskScores {
  readonly #options: RiskOptions;
  /** Longest untouched first. */
  readonly #scores = new Map<string, Score>();
  /** Keys of the trees of each pod (of each node, on hosts), longest untouched first. */
  readonly #trees = new Map<string, Set<string>>();
  /** Scores dropped at a limit. */
  evicted = 0;

  constructor(options: RiskOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#scores.size;
  }

  /** Adds a finding's points, and answers what they made cross the threshold. `alert`: id of the alert that tells of it. */
  add(finding: Finding, alert: string): RiskFinding | null {
    const worth = finding.rule.risk ?? POINTS[finding.rule.level];
    if (worth <= 0 || this.#options.threshold <= 0) return null;
    const process = finding.trigger.process ?? finding.evidence.at(-1)?.observation.process ?? null;
    const root = process === null ? null : treeRoot(process);
    let crossed: Score | null = null;
    this.changes++;
    for (const score of this.#scopesOf(finding, process, root)) {
      this.#decay(score, finding.time);
      this.#contribute(score, finding, worth, alert, process, root);
      const isOver = this.#total(score) >= this.#options.threshold && score.points.size > 1;
      if (isOver && !score.crossed) {
        score.crossed = true;
        crossed ??= score;
      }
    }
    return crossed === null ? null : this.#tell(crossed, finding);
  }

  /** Grows with everything that `save` would tell anew. */
  changes = 0;

  save(): SavedScore[] {
    return [...this.#scores].slice(-SCOPES_SAVED_MAX).map(([key, { scope, name, owner, crossed, contributions }]) => {
      return { scope, id: key.slice(scope.length + 1), name, owner, crossed, contributions };
    });
  }

  /** Only what was added before `before`: what came later is added again. Points come out of the contributions listed. */
  restore(saved: readonly SavedScore[], before: Micros): void {
    for (const { scope, id, name, owner, crossed, contributions } of saved) {
      const earlier = contributions.filter(({ micros }) => micros < before);
      if (earlier.length === 0) continue;
      const score = this.#touch(scope, id, name, owner);
      for (const item of earlier) {
        this.#decay(score, item.micros);
        const points = (score.points.get(item.rule.id) ?? 0) + item.points * this.#half(score.at - item.micros);
        score.points.set(item.rule.id, points);
        score.contributions.push(item);
      }
      score.crossed = crossed;
    }
  }

  /** Process tree, pod and workload, those that are known, narrowest first. */
  #scopesOf(finding: Finding, process: Process | null, root: Process | null): Score[] {
    const pod = finding.trigger.pod ?? process?.pod ?? null;
    const { cluster, node } = finding.trigger.event;
    const scopes: Score[] = [];
    if (root !== null) {
      const owner = pod === null ? `node:${cluster}/${node}` : `${cluster}/${podName(pod)}`;
      scopes.push(this.#touch('process_tree', root.execId, root.execId, owner));
    }
    if (pod !== null && pod.name !== '')
      scopes.push(this.#touch('pod', `${cluster}/${podName(pod)}`, podName(pod), ''));
    if (pod !== null && pod.workload !== '') {
      const name = `${pod.namespace}/${pod.workload}`;
      scopes.push(this.#touch('workload', `${cluster}/${name}`, name, ''));
    }
    return scopes;
  }

  #touch(scope: RiskScope, id: string, name: string, owner: string): Score {
    const key = `${scope} ${id}`;
    let score = this.#scores.get(key);
    if (score !== undefined) {
      this.#scores.delete(key);
      this.#trees.get(owner)?.delete(key);
    } else {
      score = { scope, name, owner, at: 0, points: new Map(), contributions: [], crossed: false };
    }
    this.#keep(key, score);
    return score;
  }

  #keep(key: string, score: Score): void {
    this.#scores.set(key, score);
    if (score.scope === 'process_tree') {
      const trees = this.#trees.get(score.owner) ?? new Set();
      this.#trees.set(score.owner, trees.add(key));
      if (trees.size > TREES_PER_POD_MAX) this.#drop(trees.values().next().value!);
    }
    while (this.#scores.size > SCOPES_MAX) this.#drop(this.#scores.keys().next().value!);
  }

  #drop(key: string): void {
    const score = this.#scores.get(key);
    if (score === undefined) return;
    if (this.#total(score) >= SCORE_KEPT_MIN) this.evicted++;
    this.#scores.delete(key);
    const trees = this.#trees.get(score.owner);
    trees?.delete(key);
    if (trees?.size === 0) this.#trees.delete(score.owner);
  }

  #half(span: Micros): number {
    return 2 ** (-Math.max(0, span) / this.#options.halfLife);
  }

  #total(score: Score): number {
    let total = 0;
    for (const points of score.points.values()) total += points;
    return total;
  }

  #decay(score: Score, time: Micros): void {
    if (time <= score.at) return;
    const factor = score.at === 0 ? 1 : this.#half(time - score.at);
    score.at = time;
    for (const [rule, points] of score.points) {
      if (points * factor < POINTS_LISTED_MIN) score.points.delete(rule);
      else score.points.set(rule, points * factor);
    }
    if (this.#total(score) < this.#options.threshold) score.crossed = false;
    const { contributions } = score;
    const stale = contributions.findIndex(item => item.points * this.#half(time - item.micros) >= POINTS_LISTED_MIN);
    contributions.splice(0, stale < 0 ? contributions.length : stale);
  }

  #contribute(
    score: Score,
    finding: Finding,
    worth: number,
    alert: string,
    process: Process | null,
    root: Process | null,
  ): void {
    const { rule, time } = finding;
    const before = score.points.get(rule.id) ?? 0;
    // The first adds its worth, the next half of it, and so on; as what was added decays, it adds more again.
    const added = Math.max(0, worth - before / 2);
    if (before === 0 && score.points.size >= RULES_PER_SCOPE_MAX) return;
    score.points.set(rule.id, before + added * this.#half(score.at - time));
    if (added < POINTS_LISTED_MIN) return;
    const pod = finding.trigger.pod ?? process?.pod ?? null;
    score.contributions.push({
      time: formatInstant(time, finding.ns),
      alert_id: alert,
      rule: { id: rule.id, title: rule.title, level: rule.level },
      points: rounded(added),
      process:
        process === null ? null : { exec_id: process.execId, pid: process.facts.pid, binary: process.facts.binary },
      pod: pod === null ? null : podName(pod),
      micros: time,
      tree: root?.execId ?? '',
      low: finding.confidence === 'low',
    });
    if (score.contributions.length > CONTRIBUTIONS_PER_SCOPE_MAX) score.contributions.shift();
  }

  #tell(score: Score, finding: Finding): RiskFinding {
    const { contributions, scope, name } = score;
    const root = finding.trigger.process === null ? null : treeRoot(finding.trigger.process);
    const what = { process_tree: 'the tree of', pod: 'pod', workload: 'workload' }[scope];
    const where = scope === 'process_tree' && root !== null ? headOf(root) : name;
    const total = rounded(this.#total(score));
    const rules = new Set(contributions.map(item => item.rule.title));
    const trees = new Set(contributions.map(item => item.tree).reverse());
    trees.delete('');
    return {
      finding: {
        ...finding,
        // Techniques of the last sign: those of the others are in their own alerts, in the same incident.
        rule: { ...RISK_RULE, tags: finding.rule.tags },
        branch: '',
        key: `${scope} ${name}`,
        confidence: contributions.some(item => item.low) ? 'low' : 'high',
        matches: contributions.length,
        from: contributions.reduce((first, item) => Math.min(first, item.micros), finding.time),
      },
      risk: {
        scope,
        name,
        score: total,
        threshold: this.#options.threshold,
        message: `${rules.size} weak signs add up to ${total} points in ${what} ${where}: ${[...rules].join('; ')}`,
        contributions: contributions.map(({ micros: _, tree: __, low: ___, ...item }) => item),
      },
      trees: [...trees],
    };
  }
}

const rounded = (points: number): number => Math.round(points * 10) / 10;

function headOf(root: Process): string {
  const parent = ancestorsOf(root)[0];
  const name = baseName(root.facts.binary) || baseName(parent?.facts.binary ?? '') || 'a process';
  return root.pod === null ? name : `${name} in ${podName(root.pod)}`;
}
