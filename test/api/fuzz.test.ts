import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { templated } from '../../src/api/openapi.ts';
import type { Route } from '../../src/api/route.ts';
import { HOSTILE } from '../support/hostile.ts';
import { commitAlert, type Harness, hexId, liveContext, makeAlert, makeIncident, startApi } from './support.ts';

/** Anything that can be put into a URL: lone surrogates cannot. */
const text = fc.oneof(
  fc.constantFrom(...HOSTILE.map(each => Buffer.from(each.text).toString()).filter(each => each.length < 2_000)),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    'NaN',
    'null',
    '[]',
    '..',
    '../..',
    '__proto__',
    'constructor',
    hexId(1),
    hexId(0, 'b'),
  ),
);

describe('no request, however odd,', () => {
  let api: Harness;
  // biome-ignore lint/suspicious/noExplicitAny: a document of many shapes.
  let document: any;

  beforeAll(async () => {
    api = await startApi({ deps: { live: liveContext() } });
    await commitAlert(api.store, makeAlert(1), makeIncident(0), 'soc');
    document = (await api.get('/api/v1/openapi.json')).json;
  });
  afterAll(() => api.close());

  it('breaks anything: every answer is a success or a problem of the caller', async () => {
    // Streams never end, and with a token everyone needs one.
    const isStream = ({ answer }: Route): boolean => 'media' in answer && answer.media === 'text/event-stream';
    const routes = api.api.routes.filter(route => !isStream(route) && route.id !== 'createToken');
    const request = fc.record({
      route: fc.constantFrom(...routes),
      values: fc.array(text, { minLength: 2, maxLength: 2 }),
      query: fc.array(fc.tuple(fc.nat(), text), { maxLength: 4 }),
      body: fc.oneof(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom('url', 'reason', 'sink', 'levels', 'enabled'), fc.jsonValue()),
      ),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ route, values, query, body }) => {
        let n = 0;
        const path = route.path.replace(/:\w+/g, () => encodeURIComponent(values[n++ % values.length] ?? ''));
        const known: string[] = document.paths[templated(route.path)][route.method.toLowerCase()].parameters
          .filter((each: { in: string }) => each.in === 'query')
          .map((each: { name: string }) => each.name);
        const pairs = query.map(([at, value]): [string, string] => [known[at % (known.length + 1)] ?? 'other', value]);
        const url = `${path}?${new URLSearchParams(pairs)}`;
        const answer =
          route.method === 'GET' || route.method === 'DELETE'
            ? await api.call(route.method, url)
            : await send(api, route.method, url, body);
        expect(answer.status, `${route.method} ${url}`).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
    expect(api.logged.filter(line => line.includes('"level":"error"'))).toEqual([]);
  });
});

function send(api: Harness, method: string, url: string, body: unknown) {
  return api.call(method, url, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}
