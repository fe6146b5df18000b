/** Names of addresses, as each pod resolved them: from DNS answers, bounded per pod. */

import type { FlowEvent } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import { normalAddress } from './addresses.ts';
import type { Pod } from './pods.ts';

const NO_NAMES: readonly string[] = Object.freeze([]);

/** More names than this of one address are noise (shared front ends); the newest win. */
const NAMES_PER_ADDRESS_MAX = 8;

export function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

export class DnsNames {
  private readonly perPodMax: number;
  evicted = 0;

  constructor(perPodMax: number = LIMITS.dnsNamesPerPodMax) {
    this.perPodMax = perPodMax;
  }

  /** Takes in an answer that `pod` got. */
  learn(pod: Pod, event: FlowEvent): void {
    const { dns } = event;
    if (dns === null || dns.ips.length === 0 || dns.rcode !== 0) return;
    pod.names ??= new Map();
    const { names } = pod;
    const query = withoutDot(dns.query);
    for (const raw of dns.ips) {
      const ip = normalAddress(raw);
      const known = names.get(ip) ?? NO_NAMES;
      if (known[0] === query) continue;
      const next = [query, ...known.filter(name => name !== query)];
      for (const cname of dns.cnames) {
        const name = withoutDot(cname);
        if (!next.includes(name)) next.push(name);
      }
      // Deleted and set again: the map's order is the order of last use, oldest first.
      names.delete(ip);
      names.set(ip, next.slice(0, NAMES_PER_ADDRESS_MAX));
      if (names.size > this.perPodMax) {
        const oldest = names.keys().next();
        if (oldest.done !== true) names.delete(oldest.value);
        this.evicted++;
      }
    }
  }

  names(pod: Pod | null, ip: string): readonly string[] {
    return pod?.names?.get(ip) ?? NO_NAMES;
  }
}
