/**
 * The web page: what was built from `src/ui`, read once at the start and served from memory. Nothing of a request ever becomes
 * the path of a file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Route, route } from './route.ts';

const MEDIA: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Its own files and its own API; `blob:` is the picture on its way into a PNG. Nothing inline, nothing from elsewhere. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');

/** Addresses inside the page, those of `src/ui/pages.tsx`: all of them are the page itself. */
const PLACES = [
  '/',
  '/alerts/:id',
  '/attack',
  '/connections',
  '/deliveries',
  '/editor',
  '/events',
  '/incidents',
  '/incidents/:id',
  '/map',
  '/pods/:namespace/:name',
  '/replays',
  '/replays/:id',
  '/replays/:id/alerts/:alert',
  '/replays/:id/incidents/:incident',
  '/replays/:id/pods/:namespace/:name',
  '/rules',
  '/silences',
  '/tokens',
  '/webhooks',
];

const anything = z.looseObject({});

interface Served {
  readonly media: string;
  readonly body: Buffer;
  readonly zipped: Buffer;
}

function read(folder: string): Map<string, Served> {
  const files = new Map<string, Served>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const media = MEDIA[extname(entry.name)];
    if (!entry.isFile() || media === undefined) continue;
    const file = join(entry.parentPath, entry.name);
    const body = readFileSync(file);
    const name = file.slice(folder.length).replaceAll('\\', '/');
    files.set(name.startsWith('/') ? name : `/${name}`, { media, body, zipped: gzipSync(body) });
  }
  return files;
}

function send(file: Served, request: FastifyRequest, reply: FastifyReply, isLasting: boolean): FastifyReply {
  const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  reply
    .type(file.media)
    .header('content-security-policy', PAGE_POLICY)
    .header('vary', 'accept-encoding')
    // A built file's name changes with its content; the page that names them does not.
    .header('cache-control', isLasting ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (zipped) reply.header('content-encoding', 'gzip');
  return reply.send(zipped ? file.zipped : file.body);
}

/** Somebody's browser that looks for a page, not a program. */
export const isVisit = ({ method, url, headers }: FastifyRequest): boolean =>
  method === 'GET' && !url.startsWith('/api/') && /\btext\/html\b/.test(headers.accept ?? '');

/** [] where nothing was built, as in a checkout whose tests run from source. */
export function pageRoutes(folder: string): Route[] {
  let files: Map<string, Served>;
  try {
    files = read(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const page = files.get('/index.html');
  if (page === undefined) return [];
  files.delete('/index.html');
  const serve = (path: string, file: Served, at: number): Route =>
    // Without schemas for what follows a place's name: the page reads that itself, and a page is what a person wants to see.
    ({
      ...route({
        method: 'GET',
        path,
        id: `getPage${at}`,
        tag: 'page',
        summary: 'The web page',
        scope: null,
        answer: { status: 200, description: 'A file of it', media: file.media },
        requestsPerMinuteMax: false,
        handle: ({ request, reply }) => send(file, request, reply, path.startsWith('/assets/')),
      }),
      params: anything,
      query: anything,
    });
  return [...PLACES.map(path => [path, page] as const), ...files].map(([path, file], at) => serve(path, file, at));
}
