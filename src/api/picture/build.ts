/**
 * The picture of one subject, an incident, a pod or a dropped capture: all folding happens here, once, for whoever draws it.
 * Pure: the same input gives the same picture.
 */
import type { Alert, Gap } from '../../alerts/alert.ts';
import type { TreeView } from '../tree-builder.ts';
import { shownBy } from './cursors.ts';
import { type Container, containersOf } from './forest.ts';
import { PICTURE_LIMITS, type PictureLimits } from './limits.ts';
import { linksOf, type Place } from './links.ts';
import { type Marks, marksOf } from './marks.ts';
import { Rows } from './rows.ts';
import type { Group, Link, Mark, PictureView } from './schema.ts';
import { atOnce, type Sliced } from './slices.ts';

/** What a tree does not say of a pod. */
export interface PodIdentity {
  readonly cluster: string;
  /** `Deployment/cart`, or ''. */
  readonly workload: string;
}

export interface PictureSource {
  /** The subject's tree first, then those of pods that it reached. */
  readonly trees: readonly TreeView[];
  /** With their evidence as far as it is loaded, in any order. */
  readonly alerts: readonly Alert[];
  /** By `namespace/name`. */
  readonly identities: ReadonlyMap<string, PodIdentity>;
  /** Those that do not overlap the picture's time are left out. */
  readonly gaps: readonly Gap[];
  /** Its story begins here: what started before gets no tick. RFC 3339; '' for everything. */
  readonly since: string;
  /** Cursors, as the picture's `toggle`s gave them. */
  readonly show: readonly string[];
}

export const buildPicture = (source: PictureSource, limits: PictureLimits = PICTURE_LIMITS): PictureView =>
  atOnce(building(source, limits));

export function* building(source: PictureSource, limits: PictureLimits = PICTURE_LIMITS): Sliced<PictureView> {
  const { trees, alerts } = source;
  const marks = marksOf(alerts);
  const shown = shownBy(source.show);
  const all = ordered(containersOf(trees, marks), marks);
  const containers = all.slice(0, limits.groupsMax);
  yield;
  const rows = new Rows(containers, marks, shown, limits);
  const places = new Map<string, Place>();
  let own = 0;
  const groups = containers.map((container): Group => {
    const written = rows.of(container);
    own += written.shown;
    for (const [id, row] of written.rowOf) places.set(id, { group: container.key, row });
    return { ...headOf(container, source.identities), rows: [...written.rows] };
  });
  yield;
  const { links, ends, ...counts } = yield* linksOf(
    trees,
    places,
    new Set(containers.map(({ key }) => key)),
    marks,
    shown,
    limits,
  );
  yield;
  const ticks = ticksOf(source, limits);
  const processes = all.reduce((sum, container) => sum + container.processes, 0);
  const omitted = trees.reduce((sum, tree) => sum + tree.omitted, 0);
  return {
    ...renumbered(groups, links),
    ends,
    totals: { processes: processes + omitted, shown: own, pods: all.length, ...counts },
    ticks,
    gaps: overlapping(source.gaps, ticks, links).slice(0, limits.gapsMax),
  };
}

/** The subject's before those that it reached; what fired first stands first, what did not fire keeps its turn. */
function ordered(containers: readonly Container[], marks: Marks): Container[] {
  const first = new Map(containers.map(container => [container, firstStep(container, marks)]));
  return [...containers].sort(
    (a, b) => Number(b.isSubject) - Number(a.isSubject) || compare(first.get(a) ?? 0, first.get(b) ?? 0),
  );
}

const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

function firstStep({ roots }: Container, marks: Marks): number {
  let first = Number.MAX_SAFE_INTEGER;
  const queue = roots.filter(({ isMarked }) => isMarked);
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    first = Math.min(first, marks.processes.get(node.process.exec_id)?.step ?? first);
    for (const child of node.children) if (child.isMarked) queue.push(child);
  }
  return first;
}

function headOf(container: Container, identities: PictureSource['identities']): Omit<Group, 'rows'> {
  const { key, isHost, isSubject, roots, processes } = container;
  const containers = new Map<string, string>();
  const nodes = new Set<string>();
  for (const { process } of roots) {
    if (process.container !== null) containers.set(process.container.name, process.container.image);
    if (process.node !== '') nodes.add(process.node);
  }
  const identity = identities.get(key);
  return {
    key,
    kind: isHost ? 'host' : 'pod',
    title: isHost ? (roots[0]?.process.node ?? '') : key,
    cluster: identity?.cluster ?? '',
    workload: identity?.workload ?? '',
    nodes: [...nodes],
    containers: [...containers].map(([name, image]) => ({ name, image })),
    is_subject: isSubject,
    processes,
  };
}

/** Numbers without holes: evidence that is not drawn takes none. */
function renumbered(groups: readonly Group[], links: readonly Link[]): Pick<PictureView, 'groups' | 'links'> {
  const steps = new Set<number>();
  for (const { rows } of groups) for (const { mark } of rows) if (mark !== null) steps.add(mark.step);
  for (const { mark } of links) if (mark !== null) steps.add(mark.step);
  const numbers = new Map([...steps].sort((a, b) => a - b).map((step, at) => [step, at + 1]));
  const again = (mark: Mark | null): Mark | null =>
    mark === null ? null : { ...mark, step: numbers.get(mark.step) ?? mark.step };
  return {
    groups: groups.map(group => ({ ...group, rows: group.rows.map(row => ({ ...row, mark: again(row.mark) })) })),
    links: links.map(link => ({ ...link, mark: again(link.mark) })),
  };
}

type Tick = PictureView['ticks'][number];

/** Alerts, and when the subject's processes started, evenly thinned at the limit; oldest first. */
function ticksOf({ trees, alerts, since }: PictureSource, { ticksMax }: PictureLimits): Tick[] {
  const fired = alerts.map(({ time, rule }): Tick => ({ time, level: rule.level })).slice(0, ticksMax / 2);
  const starts = (trees[0]?.processes ?? []).flatMap(({ pod, start_time }): Tick[] =>
    pod === null || start_time === null || start_time < since ? [] : [{ time: start_time, level: null }],
  );
  starts.sort((a, b) => compare(a.time, b.time));
  const step = Math.max(1, Math.ceil(starts.length / (ticksMax - fired.length)));
  return [...starts.filter((_, at) => at % step === 0 || at === starts.length - 1), ...fired].sort((a, b) =>
    compare(a.time, b.time),
  );
}

function overlapping(gaps: readonly Gap[], ticks: readonly Tick[], links: readonly Link[]): Gap[] {
  let [from, to] = [ticks[0]?.time ?? '', ticks.at(-1)?.time ?? ''];
  for (const { first_seen, last_seen } of links) {
    if (from === '' || first_seen < from) from = first_seen;
    if (last_seen > to) to = last_seen;
  }
  return gaps.filter(gap => gap.to >= from && gap.from <= to);
}
