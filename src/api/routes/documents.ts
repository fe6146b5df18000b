/** The API about itself: its OpenAPI document, and a page to read. */
import { z } from 'zod';
import { DOCS_STYLE, docsPage } from '../docs.ts';
import { openApiDocument } from '../openapi.ts';
import { type Route, route } from '../route.ts';

/** Routes that describe `routes` and themselves. */
export function documentRoutes(routes: readonly Route[], version: string): Route[] {
  // Made when first asked for: a start does not wait for them.
  let document: object | null = null;
  let page: string | null = null;
  const all = (): Route[] => [...routes, ...own];
  const contract = (): object => {
    document ??= openApiDocument(all(), version);
    return document;
  };
  const html = (): string => {
    page ??= docsPage(all(), contract(), version);
    return page;
  };
  const own: Route[] = [
    route({
      method: 'GET',
      path: '/api/v1/openapi.json',
      id: 'getOpenApi',
      tag: 'documents',
      summary: 'This contract, as OpenAPI 3.1',
      scope: null,
      answer: {
        status: 200,
        description: 'The document',
        schema: z.looseObject({ openapi: z.string() }) as z.ZodType<object>,
      },
      handle: contract,
    }),
    route({
      method: 'GET',
      path: '/',
      id: 'getHome',
      tag: 'documents',
      summary: 'What this server offers',
      scope: null,
      answer: { status: 200, description: 'The page', media: 'text/html' },
      handle: ({ reply }) => reply.type('text/html; charset=utf-8').send(html()),
    }),
    route({
      method: 'GET',
      path: '/docs',
      id: 'getDocs',
      tag: 'documents',
      summary: 'This contract, for reading',
      scope: null,
      answer: { status: 200, description: 'The page', media: 'text/html' },
      handle: ({ reply }) => reply.type('text/html; charset=utf-8').send(html()),
    }),
    route({
      method: 'GET',
      path: '/docs/style.css',
      id: 'getDocsStyle',
      tag: 'documents',
      summary: 'Style of the page',
      scope: null,
      answer: { status: 200, description: 'The style sheet', media: 'text/css' },
      handle: ({ reply }) => reply.type('text/css; charset=utf-8').send(DOCS_STYLE),
    }),
  ];
  return own;
}
