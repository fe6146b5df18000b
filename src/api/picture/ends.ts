/** Destinations: the same one is one node, many that are alike fold, and those beyond the limit stand together. */
import type { ConnectionView } from '../views.ts';
import { cursorOf, type Shown } from './cursors.ts';
import type { PictureLimits } from './limits.ts';
import type { End } from './schema.ts';

type Endpoint = ConnectionView['source'];

/** One destination before it is known whether it gets a node of its own. */
export interface Target {
  readonly name: string;
  readonly kind: string;
  readonly inbound: boolean;
  /** Equal for destinations that are alike. */
  readonly like: string;
  flows: number;
  connections: number;
  isMarked: boolean;
  isDropped: boolean;
}

export const nameOf = ({ pod, names, ip }: Endpoint): string => pod ?? names[0] ?? ip;

/** `10.1.2.0/24` of an address, `*.example.com` of a name, `namespace/web-*` of a pod of a workload. */
export function likeOf({ pod, names, ip }: Endpoint): string {
  if (pod !== null) return pod.replace(/(-[a-z0-9]{6,10})?-[a-z0-9]{5}$|-\d+$/, '-*');
  const name = names[0];
  if (name !== undefined) return name.includes('.') ? name.replace(/^[^.]+/, '*') : '*';
  if (ip.includes(':')) return `${ip.split(':').slice(0, 4).join(':')}::/64`;
  return ip.replace(/\.\d+$/, '.0/24');
}

export const REST = 'end rest';

/** Key of the node at which each target stands, by its key. */
export function foldEnds(
  targets: ReadonlyMap<string, Target>,
  shown: Shown,
  limits: PictureLimits,
): Map<string, { readonly key: string; readonly title: string; readonly kind: string }> {
  const alike = new Map<string, string[]>();
  for (const [key, { like, inbound, isMarked, isDropped }] of targets) {
    if (isMarked) continue;
    const id = `alike ${inbound ? 'from' : 'to'}${isDropped ? ' dropped' : ''} ${like}`;
    const held = alike.get(id);
    if (held === undefined) alike.set(id, [key]);
    else held.push(key);
  }
  const places = new Map<string, { key: string; title: string; kind: string; weight: number }>();
  const folded = new Set<string>();
  for (const [id, keys] of alike) {
    if (keys.length < limits.alikeMin) continue;
    const open = shown.get(id) ?? 0;
    for (const key of keys.slice(open)) {
      const like = targets.get(key)?.like ?? '';
      places.set(key, { key: id, title: like, kind: 'alike', weight: Number.POSITIVE_INFINITY });
      folded.add(key);
    }
  }
  const single = [...targets].filter(([key]) => !folded.has(key));
  const rank = ({ isMarked, isDropped, flows }: Target): number =>
    (isMarked ? 1e15 : 0) + (isDropped ? 1e14 : 0) + flows;
  single.sort(([, a], [, b]) => rank(b) - rank(a));
  const max = limits.endsMax + (shown.get(REST) ?? 0);
  for (const [at, [key, target]] of single.entries()) {
    const own = at < max || target.isMarked;
    places.set(key, own ? { key, title: target.name, kind: target.kind, weight: 0 } : { key: REST, ...REST_NODE });
  }
  return places;
}

const REST_NODE = { title: '', kind: 'rest', weight: 0 };

interface Draft {
  readonly key: string;
  readonly title: string;
  readonly kind: string;
  readonly inbound: boolean;
  readonly names: Set<string>;
  readonly ports: Ports;
  connections: number;
  flows: number;
}

/** The nodes that lines lead to, gathered from their connections. */
export class Ends {
  readonly #drafts = new Map<string, Draft>();

  add(place: { key: string; title: string; kind: string }, target: Target, connection: ConnectionView): void {
    let draft = this.#drafts.get(place.key);
    if (draft === undefined) {
      const { key, title, kind } = place;
      draft = {
        key,
        title,
        kind,
        inbound: target.inbound,
        names: new Set(),
        ports: new Ports(),
        connections: 0,
        flows: 0,
      };
      this.#drafts.set(key, draft);
    }
    const { destination, source } = connection;
    const folded = place.kind === 'alike' || place.kind === 'rest';
    draft.names.add(folded ? target.name : target.inbound ? source.ip : destination.ip);
    draft.ports.add(connection);
    draft.connections++;
    draft.flows += connection.flows;
  }

  finish(shown: Shown, { samplesMax, page, endsMax }: PictureLimits): End[] {
    return [...this.#drafts.values()].map(({ names, ports, ...draft }): End => {
      const folded = draft.kind === 'alike' || draft.kind === 'rest';
      const step = draft.kind === 'rest' ? endsMax : page;
      return {
        ...draft,
        ports: ports.text(),
        count: folded ? names.size : 1,
        addresses: [...names].slice(0, samplesMax),
        toggle: folded ? cursorOf((shown.get(draft.key) ?? 0) + step, draft.key) : null,
      };
    });
  }
}

const PORTS_TOLD_MAX = 4;

/** `TCP 443, 80`, the most common first. */
export class Ports {
  readonly #counts = new Map<string, Map<number, number>>();

  add({ protocol, destination }: ConnectionView): void {
    const counts = this.#counts.get(protocol) ?? new Map<number, number>();
    this.#counts.set(protocol, counts.set(destination.port, (counts.get(destination.port) ?? 0) + 1));
  }

  text(): string {
    return [...this.#counts]
      .map(([protocol, counts]) => {
        const sorted = [...counts].sort(([a, n], [b, m]) => m - n || a - b).map(([port]) => port);
        const told = sorted.slice(0, PORTS_TOLD_MAX).join(', ');
        const left = sorted.length - PORTS_TOLD_MAX;
        return `${protocol} ${told}${left > 0 ? ` and ${left} more` : ''}`;
      })
      .join(' · ');
  }
}
