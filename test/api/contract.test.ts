import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { ApiStore, IngestPort, LiveViews, SinksPort } from '../../src/api/deps.ts';
import { templated } from '../../src/api/openapi.ts';
import type { Context } from '../../src/context/context.ts';
import type { Sinks } from '../../src/sinks/sinks.ts';
import type { IngestSource } from '../../src/sources/ingest/source.ts';
import type { Store } from '../../src/store/store.ts';
import { type Harness, RULES, STATUS, startApi } from './support.ts';

describe('the parts that the API is wired to', () => {
  it('fit as they are', () => {
    expectTypeOf<Store>().toExtend<ApiStore>();
    expectTypeOf<Context>().toExtend<LiveViews>();
    expectTypeOf<Sinks>().toExtend<SinksPort>();
    expectTypeOf<IngestSource>().toExtend<IngestPort>();
  });
});

describe('the contract', () => {
  let api: Harness;
  // biome-ignore lint/suspicious/noExplicitAny: a document of many shapes.
  let document: any;

  beforeAll(async () => {
    api = await startApi();
    document = (await api.get('/api/v1/openapi.json')).json;
  });
  afterAll(() => api.close());

  it('is OpenAPI 3.1 and has every route, and no other', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Spoor', version: STATUS.version });
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map(method => `${method.toUpperCase()} ${path}`),
    );
    const served = api.api.routes.map(route => `${route.method} ${templated(route.path)}`);
    expect(described.sort()).toEqual(served.sort());
    expect(served).toHaveLength(new Set(served).size);
  });

  it('has what the design promises', () => {
    for (const path of [
      '/api/v1/alerts',
      '/api/v1/alerts/{id}',
      '/api/v1/incidents',
      '/api/v1/incidents/{id}',
      '/api/v1/incidents/{id}/tree',
      '/api/v1/incidents/{id}/timeline',
      '/api/v1/incidents/{id}/capture',
      '/api/v1/incidents/{id}/acknowledge',
      '/api/v1/incidents/{id}/resolve',
      '/api/v1/rules',
      '/api/v1/processes/{exec_id}',
      '/api/v1/pods/{namespace}/{name}/tree',
      '/api/v1/flows',
      '/api/v1/sinks',
      '/api/v1/sinks/{name}/test',
      '/api/v1/deliveries',
      '/api/v1/deliveries/{id}/replay',
      '/api/v1/webhooks',
      '/api/v1/webhooks/{id}',
      '/api/v1/silences',
      '/api/v1/silences/{id}',
      '/api/v1/tokens',
      '/api/v1/gaps',
      '/api/v1/stream',
      '/api/v1/ingest',
      '/api/v1/status',
      '/health',
      '/ready',
      '/metrics',
    ]) {
      expect(Object.keys(document.paths)).toContain(path);
    }
  });

  it('describes every operation whole, and refers to nothing that is not there', () => {
    const ids = new Set<string>();
    for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, Operation>>)) {
      for (const [method, operation] of Object.entries(methods)) {
        const where = `${method} ${path}`;
        expect(ids, where).not.toContain(operation.operationId);
        ids.add(operation.operationId);
        expect(operation.summary, where).not.toBe('');
        const inPath = operation.parameters.filter(each => each.in === 'path').map(each => each.name);
        expect(inPath, where).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]));
        for (const parameter of operation.parameters) {
          expect(parameter.schema, `${where} ${parameter.name}`).toBeTypeOf('object');
          expect(Object.keys(parameter.schema).length, `${where} ${parameter.name}`).toBeGreaterThan(0);
          if (parameter.in === 'path') expect(parameter.required).toBe(true);
        }
        const statuses = Object.keys(operation.responses);
        expect(
          statuses.some(status => status.startsWith('2')),
          where,
        ).toBe(true);
        expect(statuses, where).toContain('500');
      }
    }
    const text = JSON.stringify(document);
    expect(text).not.toContain('#/$defs/');
    for (const [, name] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
      const target = (name as string)
        .slice(2)
        .split('/')
        .reduce((at, key) => at?.[key], document);
      expect(target, name).toBeTypeOf('object');
    }
  });

  it('reads well as a page', async () => {
    const { text, headers } = await api.get('/docs');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    for (const route of api.api.routes) expect(text).toContain(templated(route.path));
    expect((await api.get('/docs/style.css')).headers.get('content-type')).toBe('text/css; charset=utf-8');
  });

  it.each(['alerts', 'incidents', 'deliveries', 'gaps', 'audit'])(
    'takes no cursor of %s that it did not make',
    async list => {
      const odd = [
        {},
        1,
        'x',
        null,
        [null],
        [[]],
        [true],
        ['x'],
        [1, 2, 3],
        ['x', {}],
        ['\u0000', '\u0000', 1],
        [{ a: 1 }, 1],
      ];
      for (const key of odd) {
        const cursor = Buffer.from(JSON.stringify(key)).toString('base64url');
        const answer = await api.get(`/api/v1/${list}?cursor=${cursor}`);
        expect([answer.status, answer.json.errors?.[0]?.field], JSON.stringify(key)).toEqual([400, 'cursor']);
      }
      for (const cursor of ['', '%00', '..%2F..', 'A'.repeat(513), 'W10', '%F0%9F%92%A9']) {
        expect((await api.get(`/api/v1/${list}?cursor=${cursor}`)).status, cursor).toBe(400);
      }
    },
  );

  it('answers unknown paths and methods as problems', async () => {
    expect((await api.get('/nowhere')).status).toBe(404);
    expect((await api.get('/api/v2/alerts')).status).toBe(404);
    for (const route of api.api.routes) {
      const path = route.path.replace(/:\w+/g, 'x');
      const answer = await api.call('PUT', path);
      expect(answer.status, path).toBe(405);
      expect(answer.headers.get('allow'), path).toContain(route.method);
    }
    expect((await fetch(`${api.url}/health`, { method: 'HEAD' })).status).toBe(200);
  });
});

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly responses: Readonly<Record<string, object>>;
}

describe('status and probes', () => {
  let api: Harness;
  let reasons: string[] = [];
  beforeAll(async () => {
    api = await startApi({ deps: { unready: () => reasons } });
    await api.store.commit({
      entries: [],
      gaps: [1, 2, 3].map(n => ({
        source: 'relay',
        node: `node-${n}`,
        count: n,
        from: `2026-01-0${n}T00:00:00.000000000Z`,
        to: `2026-01-0${n}T00:00:01.000000000Z`,
        reason: 'lost',
      })),
    });
  });
  afterAll(() => api.close());

  it('says what runs, in numbers', async () => {
    reasons = [];
    expect((await api.get('/api/v1/status')).json).toEqual({ ...STATUS, ready: true, unready: [] });
  });

  it('is healthy whenever it runs, and ready only when it is', async () => {
    reasons = [];
    expect((await api.get('/ready')).json).toEqual({ ready: true });
    reasons = ['the store is full', 'source relay has never connected'];
    const answer = await api.get('/ready');
    expect(answer.status).toBe(503);
    expect(answer.json).toMatchObject({
      type: 'urn:spoor:problem:not-ready',
      detail: 'the store is full; source relay has never connected',
    });
    expect((await api.get('/health')).json).toEqual({ status: 'ok' });
    expect((await api.get('/api/v1/status')).json).toMatchObject({ ready: false, unready: reasons });
  });

  it('lists rules by level and tag', async () => {
    const ids = async (query: string): Promise<string[]> =>
      (await api.get(`/api/v1/rules${query}`)).json.items.map((item: { id: string }) => item.id);
    expect((await api.get('/api/v1/rules')).json.items).toEqual(RULES);
    expect(await ids('?level=critical')).toEqual(['r1']);
    expect(await ids('?tag=attack.T1567.002')).toEqual(['r2']);
    expect(await ids('?tag=nothing')).toEqual([]);
  });

  it('lists gaps, newest first, by page', async () => {
    const first = (await api.get('/api/v1/gaps?limit=2')).json;
    expect(first.items.map((gap: { node: string }) => gap.node)).toEqual(['node-3', 'node-2']);
    const rest = (await api.get(`/api/v1/gaps?limit=2&cursor=${encodeURIComponent(first.next)}`)).json;
    expect(rest.items.map((gap: { node: string }) => gap.node)).toEqual(['node-1']);
    expect((await api.get('/api/v1/gaps?since=2026-01-02T00:00:00Z')).json.items).toHaveLength(2);
  });

  it('counts for Prometheus, the same at every scrape', async () => {
    await api.get('/metrics');
    const { text, headers } = await api.get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    for (const line of [
      'spoor_build_info{version="1.2.3-test"} 1',
      'spoor_source_total{source="relay",type="hubble",what="lost"} 3',
      'spoor_source_connected{source="relay",type="hubble"} 1',
      'spoor_source_newest_event_timestamp_seconds{source="relay",type="hubble"} 1767225605',
      'spoor_events_total{kind="process_exec"} 3',
      'spoor_late_events_total 2',
      'spoor_watermark_timestamp_seconds 1767225604',
      'spoor_held{what="partials"} 1',
      'spoor_evicted_total{what="processes"} 4',
      'spoor_rules{state="loaded"} 2',
      'spoor_rule_matches_total{rule="r1",title="Reverse shell by netcat"} 11',
      'spoor_rule_seconds_total{rule="r1",title="Reverse shell by netcat"} 0.25',
      'spoor_rule_evaluations_total{rule="r1",title="Reverse shell by netcat"} 500',
      'spoor_alerts_total{level="high"} 2',
      'spoor_suppressed_total 6',
      'spoor_delivery_attempts_total{sink="soc",outcome="retry"} 9',
      'spoor_store_bytes 4096',
      'spoor_store_ok 1',
      'spoor_stream_clients 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });
});
