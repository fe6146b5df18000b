/** The picture of an incident, in time. */
import { PictureView } from '../picture/picture-view.tsx';
import { Failure, Loading } from '../widgets.tsx';
import { type IncidentData, useIncident } from './incident-data.ts';

interface IncidentPictureProps {
  readonly id: string;
  readonly data: IncidentData;
  readonly playsFirst?: boolean;
}

export function IncidentPicture({ id, data, playsFirst = false }: IncidentPictureProps) {
  const { picture, show, alerts } = data;
  if (picture.data === undefined) {
    return picture.error === null ? (
      <Loading what="the picture" />
    ) : (
      <Failure error={picture.error} what="picture" onRetry={() => picture.refetch()} />
    );
  }
  return (
    <PictureView
      picture={picture.data}
      show={show}
      isBusy={picture.isPlaceholderData}
      alerts={alerts.items}
      label="Processes and connections of the incident"
      fileName={`incident-${id.slice(0, 12)}`}
      playsFirst={playsFirst}
    />
  );
}

/** By itself, for pages that are not about it. */
export default function PictureOf({ id, playsFirst = false }: Omit<IncidentPictureProps, 'data'>) {
  return <IncidentPicture id={id} data={useIncident(id)} playsFirst={playsFirst} />;
}
