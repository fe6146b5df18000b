/** Destinations: the same one is one node, many that are alike fold, and those beyond the limit stand together. */
import type { ConnectionView } from '../views.ts';
import { cursorOf, type Shown } from './cursors.ts';
import type { PictureLimits } from './limits.ts';
import type { End } from './schema.ts';

type Endpoint = ConnectionView['source'];

/** One destination before it is known whether it gets a node of its own. */
export interface Target {
  readonly key: string;
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

export interface EndPlace {
  readonly key: string;
  readonly title: string;
  readonly kind: string;
  /** Somebody opened the fold that it was in: no limit folds it again. */
  readonly isAsked: boolean;
}

/** The node at which each target stands, by the target's key. */
export function foldEnds(
  targets: ReadonlyMap<string, Target>,
  shown: Shown,
  limits: PictureLimits,
): Map<string, EndPlace> {
  const alike = new Map<string, string[]>();
  for (const [key, { like, inbound, isMarked, isDropped }] of targets) {
    if (isMarked) continue;
    const id = `alike ${inbound ? 'from' : 'to'}${isDropped ? ' dropped' : ''} ${like}`;
    const held = alike.get(id);
    if (held === undefined) alike.set(id, [key]);
    else held.push(key);
  }
  const places = new Map<string, EndPlace>();
  let opened = limits.openedEndsMax;
  for (const [id, keys] of alike) {
    if (keys.length < limits.alikeMin) continue;
    const open = Math.min(shown.get(id) ?? 0, opened);
    opened -= open;
    for (const [at, key] of keys.entries()) {
      const target = targets.get(key) as Target;
      if (at < open) places.set(key, { key, title: target.name, kind: target.kind, isAsked: true });
      else places.set(key, { key: id, title: target.like, kind: 'alike', isAsked: false });
    }
  }
  const rank = ({ isMarked, isDropped, flows }: Target): number =>
    (isMarked ? 1e15 : 0) + (isDropped ? 1e14 : 0) + flows;
  const single = [...targets].filter(([key]) => !places.has(key)).sort(([, a], [, b]) => rank(b) - rank(a));
  const max = limits.endsMax + Math.min(shown.get(REST) ?? 0, opened);
  for (const [at, [key, target]] of single.entries()) {
    const own = at < max || target.isMarked;
    const isAsked = own && at >= limits.endsMax;
    places.set(key, own ? { key, title: target.name, kind: target.kind, isAsked } : REST_PLACE);
  }
  return places;
}

/** Where what has no node of its own stands. */
export const REST_PLACE: EndPlace = { key: REST, title: '', kind: 'rest', isAsked: false };

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

  add(place: EndPlace, target: Target, connection: ConnectionView): void {
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

  add({ protocol, destination: { port } }: ConnectionView): void {
    const counts = this.#counts.get(protocol);
    if (counts === undefined) this.#counts.set(protocol, new Map([[port, 1]]));
    else counts.set(port, (counts.get(port) ?? 0) + 1);
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
