/**
 * Keeps web pages of others away. An API without tokens on loopback is within reach of every page that the user opens: by DNS
 * rebinding (caught by the Host header) and by cross-site requests (caught by Sec-Fetch-Site and Origin). No CORS header is
 * ever sent, so that answers stay unreadable for other origins.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { Problem } from './problem.ts';

const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/** Only this machine can connect to it. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && LOOPBACK_V4.test(bare);
}

/** `[::1]:8787` → `::1`, `LocalHost:80` → `localhost`; null when it is none. */
function hostName(header: string): string | null {
  const m = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header);
  return m === null ? null : (m[1] ?? m[2] ?? '').toLowerCase();
}

/** Throws a 421 problem when the Host header is not one under which a loopback API is called. */
export function checkHost(host: string | undefined, publicUrl: string | null): void {
  const name = host === undefined ? null : hostName(host);
  if (name !== null && (isLoopback(name) || (publicUrl !== null && name === new URL(publicUrl).hostname))) return;
  throw new Problem(421, 'wrong-host', 'without tokens this API answers on loopback addresses only');
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Throws a 403 problem when a page of another origin asks for a change. Programs send neither header and pass. */
export function checkOrigin(method: string, headers: IncomingHttpHeaders, publicUrl: string | null): void {
  if (SAFE_METHODS.has(method)) return;
  const site = headers['sec-fetch-site'];
  const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (!foreignSite && (headers.origin === undefined || isOwnOrigin(headers.origin, headers.host, publicUrl))) return;
  throw new Problem(403, 'cross-site', 'requests from pages of other sites may not change anything');
}

function isOwnOrigin(origin: string, host: string | undefined, publicUrl: string | null): boolean {
  if (publicUrl !== null && origin === new URL(publicUrl).origin) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
