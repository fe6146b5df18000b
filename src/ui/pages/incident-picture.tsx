/** The picture of an incident, in time. */
import { useMemo } from 'react';
import type { TimelineEntry } from '../../api/contract.ts';
import { PictureView } from '../picture/picture-view.tsx';
import type { Hole, Tick } from '../picture/scrubber.tsx';
import { Failure, Loading } from '../widgets.tsx';
import { type IncidentData, useIncident } from './incident-data.ts';

export function IncidentPicture({ id, data }: { readonly id: string; readonly data: IncidentData }) {
  const { tree, peers, alerts, timeline } = data;
  const trees = useMemo(() => (tree.data === undefined ? [] : [tree.data, ...peers]), [tree.data, peers]);
  const { ticks, holes } = useMemo(() => marksInTime(timeline.data?.items ?? []), [timeline.data]);
  if (tree.data === undefined) {
    return tree.error === null ? (
      <Loading what="the picture" />
    ) : (
      <Failure error={tree.error} what="picture" onRetry={() => tree.refetch()} />
    );
  }
  return (
    <PictureView
      trees={trees}
      alerts={alerts.items}
      ticks={ticks}
      holes={holes}
      label="Processes and connections of the incident"
      fileName={`incident-${id.slice(0, 12)}`}
    />
  );
}

export function marksInTime(entries: readonly TimelineEntry[]): { ticks: Tick[]; holes: Hole[] } {
  const ticks: Tick[] = [];
  const holes: Hole[] = [];
  for (const entry of entries) {
    if (entry.type === 'gap') holes.push({ from: entry.time, to: entry.to, reason: entry.reason });
    else if (entry.type !== 'action')
      ticks.push({ time: entry.time, level: entry.type === 'alert' ? entry.level : null });
  }
  return { ticks, holes };
}

/** By itself, for pages that are not about it. */
export default function PictureOf({ id }: { readonly id: string }) {
  return <IncidentPicture id={id} data={useIncident(id)} />;
}
