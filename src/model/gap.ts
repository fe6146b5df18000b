/** A period in which events are known to be lost. */
export interface Gap {
  /** The sensor whose events are lost: `hubble` or `tetragon`. */
  readonly source: string;
  /** '' when it concerns every node. */
  readonly node: string;
  /** Lost events; 0 when unknown. */
  readonly count: number;
  /** RFC 3339 with nine fraction digits, as `formatInstant` prints: comparable as text. */
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** The same for a gap while it grows: only its count and its end change. */
export function gapIdentity({ source, node, reason, from }: Gap): string {
  return `${from} ${source} ${node} ${reason}`;
}
