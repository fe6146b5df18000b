/** What Hubble is asked for. */
import { MICROS_PER_SECOND, type Micros } from '../../model/time.ts';
import { protoRoot } from '../protobuf/schema.ts';

/** Bytes of a GetFlowsRequest that follows the stream: new flows only, or also those that the rings hold since an instant. */
export function followRequest(since: Micros | null): Buffer {
  const type = protoRoot().lookupType('observer.GetFlowsRequest');
  return Buffer.from(type.encode({ follow: true, ...(since === null ? {} : { since: timestamp(since) }) }).finish());
}

function timestamp(time: Micros): { seconds: number; nanos: number } {
  const seconds = Math.floor(time / MICROS_PER_SECOND);
  return { seconds, nanos: (time - seconds * MICROS_PER_SECOND) * 1_000 };
}
