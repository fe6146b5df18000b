/** OpenAPI 3.1 from the routes' zod schemas. */
import { z } from 'zod';
import { needsAllNamespaces } from './auth.ts';
import { PROBLEM_TYPE, problemSchema } from './problem.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

const DESCRIPTION =
  'Alerts, incidents, process trees and connections that Spoor knows, and what it does about them. Times are RFC 3339 in UTC ' +
  'with nine fraction digits where they are part of an alert. Lists are paged: hand `next` back as `cursor`. ' +
  'Text that came from a pod (arguments, names, addresses) is whatever an attacker made it: escape it where you show it.';

/** Converts one schema; the named ones in it go to `components`. */
function toJsonSchema(schema: z.ZodType, components: Json): Json {
  const { $schema: _, $defs, ...root } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json;
  const moved = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
  for (const [name, definition] of Object.entries(($defs ?? {}) as Json)) components[name] ??= moved(definition);
  return moved(root) as Json;
}

function parameters(place: 'path' | 'query', schema: z.ZodType | undefined, components: Json): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = toJsonSchema(schema, components) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function answerContent(route: Route, components: Json): Json {
  const { answer } = route;
  if ('schema' in answer) return { 'application/json': { schema: toJsonSchema(answer.schema, components) } };
  return 'media' in answer ? { [answer.media]: { schema: { type: 'string' } } } : {};
}

function operation(route: Route, components: Json): Json {
  const statuses = new Set([400, 429, 500, ...(route.scope === null ? [] : [401, 403]), ...(route.problems ?? [])]);
  const responses: Json = {
    [route.answer.status]: {
      description: route.answer.description,
      ...(route.answer.status === 204 ? {} : { content: answerContent(route, components) }),
    },
  };
  for (const status of [...statuses].sort((a, b) => a - b)) {
    responses[status] ??= { $ref: '#/components/responses/Problem' };
  }
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...((route.allNamespaces ?? needsAllNamespaces(route.scope))
      ? { description: 'Not for tokens that are limited to namespaces: those are answered 403.' }
      : {}),
    ...(route.scope === null ? { security: [] } : { security: [{ bearer: [route.scope] }] }),
    parameters: [...parameters('path', route.params, components), ...parameters('query', route.query, components)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: toJsonSchema(route.body, components) } } } }),
    ...(route.rawBody === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: route.rawBody.description,
            content: Object.fromEntries(route.rawBody.media.map(media => [media, { schema: { type: 'string' } }])),
          },
        }),
    responses,
  };
}

/** `/alerts/:id` → `/alerts/{id}`. */
export const templated = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

export function openApiDocument(routes: readonly Route[], version: string): Json {
  const schemas: Json = {};
  toJsonSchema(problemSchema, schemas);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = templated(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Spoor',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(route => route.tag))].map(name => ({ name })),
    paths,
    components: {
      schemas,
      responses: {
        Problem: {
          description: 'What went wrong',
          content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Not needed on loopback while there are no tokens' },
      },
    },
  };
}
