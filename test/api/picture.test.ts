/** The picture: folded by the server, opened by cursors, never without its evidence. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PastPod } from '../../src/api/deps.ts';
import { buildPicture, type PictureSource } from '../../src/api/picture/build.ts';
import { PICTURE_LIMITS } from '../../src/api/picture/limits.ts';
import type { Link, PictureView, Row } from '../../src/api/picture/schema.ts';
import type { TreeView } from '../../src/api/tree-builder.ts';
import { Context } from '../../src/context/context.ts';
import { formatInstant, MICROS_PER_SECOND } from '../../src/model/time.ts';
import { eventsOf, merged } from '../context/recordings.ts';
import { at, connection, end, onHost, process, tree } from '../ui/trees.ts';
import {
  commitAlert,
  type Harness,
  hexId,
  liveContext,
  liveProcess,
  makeAlert,
  makeIncident,
  startApi,
  storedProcess,
} from './support.ts';

const build = (trees: TreeView[], options: Partial<PictureSource> = {}, limits = {}): PictureView =>
  buildPicture(
    { trees, alerts: [], gaps: [], show: [], since: '', identities: new Map(), ...options },
    { ...PICTURE_LIMITS, ...limits },
  );
const rows = ({ groups }: PictureView): Row[] => groups.flatMap(group => group.rows);
const words = ({ kind, count, process: own }: Row): string =>
  kind === 'more' ? `+${count}` : kind === 'host' ? 'host' : `${count > 1 ? `${count} × ` : ''}${own?.binary.slice(9)}`;
const names = (picture: PictureView): string[] => rows(picture).map(row => `${' '.repeat(row.depth)}${words(row)}`);
const toggleOf = (picture: PictureView, key: string): string => {
  const row = rows(picture).find(each => each.key === key);
  if (row?.toggle == null) throw new Error(`nothing to open at ${key}`);
  return row.toggle;
};

describe('the rows of a picture', () => {
  it('folds what the host runs above a container, and opens it', () => {
    const trees = [tree([onHost('systemd', 0), onHost('shim', 1), process('node', 2)])];
    const closed = build(trees);
    expect(names(closed)).toEqual(['host', ' node']);
    expect(rows(closed)[0]?.members.map(({ binary }) => binary)).toEqual(['/usr/bin/systemd', '/usr/bin/shim']);
    const open = build(trees, { show: [toggleOf(closed, 'host above shop/cart-0')] });
    expect(names(open)).toEqual(['host', ' systemd', '  shim', ' node']);
  });

  it('shows a host process by itself when it is evidence', () => {
    const trees = [tree([onHost('systemd', 0), onHost('sshd', 1), onHost('quiet', 1)])];
    const picture = build(trees, { alerts: [makeAlert(1, { process: storedProcess('sshd'), namespace: null })] });
    expect(picture.groups.map(({ kind, title }) => [kind, title])).toEqual([['host', 'node-1']]);
    expect(names(picture)).toEqual(['systemd', ' sshd']);
  });

  const curls = Array.from({ length: 250 }, (_, n) =>
    process(`curl-${n}`, 1, { binary: '/usr/bin/curl', arguments: `http://x/${n}`, start_time: at(n / 10) }),
  );
  const crowd = [tree([process('node', 0), ...curls, process('id', 1)])];

  it('folds siblings that say the same but for numbers, with their time range, and opens them by the page', () => {
    const folded = build(crowd);
    expect(names(folded)).toEqual(['node', ' 250 × curl', ' id']);
    const [, fold] = rows(folded);
    expect(fold).toMatchObject({ hidden: 250, expanded: false, last_start: at(24.9) });
    expect(fold?.process?.start_time).toBe(at(0));
    expect(fold?.members).toHaveLength(PICTURE_LIMITS.membersMax);

    let show = [toggleOf(folded, 'fold curl-0')];
    let picture = build(crowd, { show });
    expect(rows(picture).filter(row => row.process?.binary === '/usr/bin/curl')).toHaveLength(1 + PICTURE_LIMITS.page);
    expect(names(picture)).toContain(`  +${250 - PICTURE_LIMITS.page}`);
    for (let n = 0; n < 2; n++) {
      show = [...show, toggleOf(picture, 'more fold curl-0')];
      picture = build(crowd, { show });
    }
    expect(rows(picture)).toHaveLength(253);
    expect(names(build(crowd, { show: [...show, toggleOf(picture, 'fold curl-0')] }))).toEqual(names(folded));
  });

  it('never folds evidence away, nor what leads to it', () => {
    const alerts = [makeAlert(1, { process: storedProcess('curl-3') })];
    expect(names(build(crowd, { alerts }))).toEqual(['node', ' 249 × curl', ' curl', ' id']);
    const closed = build(crowd, { alerts, show: ['0.node'] });
    expect(names(closed)).toEqual(['node', ' curl', ' +250']);
  });

  it('keeps what started late apart from what the image does by itself', () => {
    const again = Array.from({ length: 4 }, (_, n) =>
      process(`late-${n}`, 1, { binary: '/usr/bin/curl', arguments: `http://x/${n}`, start_time: at(3_600 + n) }),
    );
    const picture = build([tree([process('node', 0), ...curls, ...again])]);
    expect(rows(picture).map(row => [words(row), row.late])).toEqual([
      ['node', false],
      ['250 × curl', false],
      ['4 × curl', true],
    ]);
  });

  it('draws no more than its limit, says how much there is, and shows evidence and late processes however deep', () => {
    const word = (n: number): string =>
      String.fromCharCode(97 + (n % 26)) + String.fromCharCode(97 + Math.floor(n / 26));
    const many = Array.from({ length: 60 }, (_, n) => [
      process(`p${n}`, 1, { arguments: word(n) }),
      ...Array.from({ length: 10 }, (_, m) => process(`q${n}-${m}`, 2, { arguments: word(m) + word(n) })),
    ]).flat();
    const deep = [...many, process('x', 1), process('late', 2, { start_time: at(600) }), process('evidence', 2)];
    const trees = [tree([process('init', 0), ...deep])];
    const alerts = [makeAlert(1, { process: storedProcess('evidence') })];
    const picture = build(trees, { alerts }, { rowsMax: 40, page: 5 });
    const drawn = rows(picture);
    expect(picture.totals).toMatchObject({ processes: 664, shown: 40 });
    expect(drawn.length).toBeLessThanOrEqual(42);
    expect(drawn.map(({ key }) => key)).toEqual(expect.arrayContaining(['x', 'late', 'evidence']));
    expect(drawn.reduce((sum, { hidden }) => sum + hidden, 0)).toBe(664 - 40);
    // Further siblings, without losing a row that was there.
    const more = rows(build(trees, { alerts, show: [toggleOf(picture, 'more init')] }, { rowsMax: 40, page: 5 }));
    const keys = new Set(more.map(({ key }) => key));
    expect(drawn.filter(({ key, kind }) => kind !== 'more' && !keys.has(key))).toEqual([]);
    expect(more.length).toBeGreaterThan(drawn.length);
  });

  it('is the same for the same input, bears any depth, and passes over cursors of what is gone', () => {
    const deep = [tree(Array.from({ length: 20_000 }, (_, n) => process(`p${n}`, n)))];
    const picture = build(deep, { show: ['5.fold gone', '0.nobody', 'nonsense'] });
    expect(picture).toEqual(build(deep));
    expect(picture.totals).toMatchObject({ processes: 20_000, shown: PICTURE_LIMITS.rowsMax });
  });

  it('numbers evidence in the order of time, without holes', () => {
    const alerts = [
      makeAlert(3, { process: storedProcess('b') }),
      makeAlert(1, { process: storedProcess('a') }),
      makeAlert(2, { process: storedProcess('not-drawn') }),
    ];
    const picture = build([tree([process('a', 0), process('b', 1)])], { alerts });
    expect(rows(picture).map(row => row.mark?.step)).toEqual([1, 2]);
  });

  it('finds every process once, in a row or counted in one, whatever is open', () => {
    const shape = fc.array(
      fc.record({
        up: fc.nat(3),
        name: fc.constantFrom('sh', 'curl', 'id'),
        pod: fc.constantFrom(null, 'a/x', 'a/y'),
        start: fc.constantFrom(0, 5, 700),
        to: fc.constantFrom(null, '192.0.2.1', '192.0.2.2', '192.0.2.3', 'a/y'),
        isMarked: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    const open = fc.array(fc.tuple(fc.nat(3), fc.nat(40), fc.constantFrom('', 'fold ', 'host ')), { maxLength: 6 });
    fc.assert(
      fc.property(shape, open, fc.integer({ min: 1, max: 20 }), (drawn, opened, rowsMax) => {
        let depth = -1;
        const processes = drawn.map(({ up, name, pod, to, start }, n) => {
          depth = Math.max(0, depth + 1 - up);
          const target = to === null ? [] : [connection(`p${n}`, end(to, 80, { pod: to.includes('/') ? to : null }))];
          return process(`p${n}`, depth, { binary: name, pod, connections: target, start_time: at(start) });
        });
        const alerts = drawn.flatMap(({ isMarked }, n) =>
          isMarked ? [makeAlert(n, { process: storedProcess(`p${n}`) })] : [],
        );
        const show = opened.map(([n, id, kind]) => `${n}.${kind}p${id}`);
        const picture = build(
          [tree(processes)],
          { alerts, show },
          { rowsMax, alikeMin: 2, linesPerRowMax: 1, endsMax: 1 },
        );
        const all = rows(picture);
        const own = new Set(all.map(({ key }) => key));
        expect(own.size).toBe(all.length);
        for (const [n, { isMarked }] of drawn.entries()) if (isMarked) expect(own.has(`p${n}`)).toBe(true);
        for (const group of picture.groups) {
          const above = `host above ${group.key}`;
          const sum = group.rows
            .filter(({ key }) => !key.startsWith(above))
            .reduce((total, row) => total + (row.kind === 'process' ? 1 : 0) + row.hidden, 0);
          expect(sum).toBe(group.processes);
        }
        const places = new Set([
          ...own,
          ...picture.ends.map(({ key }) => key),
          ...picture.groups.map(g => `group ${g.key}`),
        ]);
        for (const { from, to } of picture.links) expect([from, to].filter(key => !places.has(key))).toEqual([]);
        const told = picture.links.reduce((total, { count }) => total + count, 0);
        expect(told).toBe(picture.totals.connections);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the lines of a picture', () => {
  it('leads connections of what is folded from the fold, and draws one node for one destination', () => {
    const same = Array.from({ length: 3 }, (_, n) =>
      process(`c${n}`, 1, { binary: '/bin/c', connections: [connection(`c${n}`, end('192.0.2.1', 80))] }),
    );
    const { links, ends } = build([tree([process('node', 0), ...same])]);
    expect(links.map(({ from, to, flows, count }) => ({ from, to, flows, count }))).toEqual([
      { from: 'fold c0', to: 'end to 192.0.2.1', flows: 3, count: 3 },
    ]);
    expect(ends).toMatchObject([{ title: '192.0.2.1', ports: 'TCP 80', connections: 3, flows: 3 }]);
  });

  it('tells drops from what went through, and who opened a connection', () => {
    const dropped = connection('a', end('192.0.2.1', 80), { verdict: 'DROPPED' });
    const inbound = connection(null, end('10.0.0.1', 80, { pod: 'shop/cart-0', kind: 'pod' }), {
      source: end('203.0.113.9', 5_555),
      server_exec_id: 'a',
    });
    const { links } = build([tree([process('a', 0, { connections: [dropped, inbound] })])]);
    expect(links.map(link => [link.to, link.dropped, link.inbound])).toEqual([
      ['end to 192.0.2.1', true, false],
      ['end from 203.0.113.9', false, true],
    ]);
  });

  it('folds destinations that are alike, evidence aside, and opens them', () => {
    const scan = Array.from({ length: 40 }, (_, n) => connection('a', end(`10.1.2.${n}`, 22)));
    const marked = scan[7];
    const alerts = [
      {
        ...makeAlert(1, { process: storedProcess('a') }),
        flows: marked === undefined ? [] : [flowOf(marked)],
      },
    ];
    const trees = [tree([process('a', 0, { connections: scan })])];
    const picture = build(trees, { alerts });
    expect(picture.ends.map(({ title, count, kind }) => [title, count, kind])).toEqual([
      ['10.1.2.7', 1, 'world'],
      ['10.1.2.0/24', 39, 'alike'],
    ]);
    const toggle = picture.ends[1]?.toggle ?? '';
    expect(build(trees, { alerts, show: [toggle] }, { linesPerRowMax: 100 }).ends).toHaveLength(40);
  });

  it('draws so many lines of a row, the others as one, and opens them', () => {
    const word = (n: number): string =>
      String.fromCharCode(97 + (n % 26)) + String.fromCharCode(97 + Math.floor(n / 26));
    const far = Array.from({ length: 100 }, (_, n) =>
      connection('a', end(`192.0.${n}.1`, 443, { names: [`www.${word(n)}.example`] }), { flows: n + 1 }),
    );
    const trees = [tree([process('a', 0, { connections: far })])];
    const { links, ends, totals } = build(trees);
    expect(links).toHaveLength(PICTURE_LIMITS.linesPerRowMax + 1);
    const rest = links.find(link => link.toggle !== null);
    expect(rest).toMatchObject({ targets: 100 - PICTURE_LIMITS.linesPerRowMax, to: 'end rest' });
    expect(ends.find(({ kind }) => kind === 'rest')?.count).toBe(100 - PICTURE_LIMITS.linesPerRowMax);
    expect(totals).toMatchObject({ connections: 100, flows: 5_050 });
    expect(build(trees, { show: [rest?.toggle ?? ''] }).links).toHaveLength(100);
  });

  it('stands a reached pod beside the subject, and leads the line to the process there', () => {
    const reached = process('mysqld', 0, { pod: 'shop/db-0', container: null });
    const target = end('10.0.0.2', 3306, { pod: 'shop/db-0', kind: 'pod' });
    const own = process('a', 0, { connections: [connection('a', target, { server_exec_id: 'mysqld' })] });
    const { groups, links, ends } = build([tree([own]), tree([reached])]);
    expect(groups.map(group => [group.title, group.is_subject])).toEqual([
      ['shop/cart-0', true],
      ['shop/db-0', false],
    ]);
    expect(links[0]).toMatchObject({ from: 'a', to: 'mysqld' });
    expect(ends).toEqual([]);
  });

  it('tells gaps that overlap its time, and no others', () => {
    const gap = (from: number, to: number) =>
      ({ source: 'hubble', node: '', count: 3, from: at(from), to: at(to), reason: 'ring buffer' }) as const;
    const trees = [tree([process('a', 0, { connections: [connection('a', end('192.0.2.1', 80))] })])];
    expect(build(trees, { gaps: [gap(1, 2), gap(500, 600), gap(-20, -10)] }).gaps).toEqual([gap(1, 2)]);
  });
});

const flowOf = ({ protocol, source, destination, verdict, exec_id }: ReturnType<typeof connection>) => ({
  time: at(1),
  attribution: 'socket' as const,
  protocol,
  source,
  destination,
  verdict,
  exec_id,
});

describe('the pictures that the API gives', () => {
  let api: Harness;
  const netcat = liveProcess('nc.traditional');
  const pod = `${netcat.pod?.namespace}/${netcat.pod?.name}`;

  beforeAll(async () => {
    api = await startApi({ deps: { live: liveContext() } });
  });
  afterAll(() => api.close());

  it('draws a pod as the engine knows it', async () => {
    const { json, status } = await api.get(`/api/v1/pods/${pod}/picture`);
    expect(status).toBe(200);
    const picture = json as PictureView;
    expect(picture.groups[0]).toMatchObject({ key: pod, kind: 'pod', is_subject: true });
    expect(rows(picture).some(({ key }) => key === netcat.execId)).toBe(true);
    expect(picture.links.some(({ from }) => from === netcat.execId)).toBe(true);
    const closed = picture.groups[0]?.rows.find(({ kind }) => kind === 'host');
    const open = await api.get(`/api/v1/pods/${pod}/picture?show=${encodeURIComponent(closed?.toggle ?? '')}`);
    expect(rows(open.json).length).toBe(rows(picture).length + (closed?.count ?? 0));
  });

  it('refuses what is no cursor, and pods that it does not know', async () => {
    expect((await api.get(`/api/v1/pods/${pod}/picture?show=open`)).status).toBe(400);
    expect((await api.get('/api/v1/pods/nowhere/nobody/picture')).status).toBe(404);
    expect((await api.get(`/api/v1/incidents/${hexId(1, 'c')}/picture`)).status).toBe(404);
  });

  it('shows tokens of some namespaces theirs alone', async () => {
    const fresh = await startApi({ deps: { live: liveContext() } });
    try {
      await commitAlert(fresh.store, makeAlert(1, { namespace: 'shop' }), makeIncident(0));
      await fresh.store.tokens.create({ name: 'all', scopes: ['admin'], namespaces: null, expires_at: null });
      const spec = { name: 'bank', scopes: ['read'], namespaces: ['bank'], expires_at: null } as const;
      const { secret: token } = await fresh.store.tokens.create(spec);
      expect((await fresh.get(`/api/v1/pods/${pod}/picture`, { token })).status).toBe(404);
      expect((await fresh.get(`/api/v1/incidents/${makeIncident(0).id}/picture`, { token })).status).toBe(404);
    } finally {
      await fresh.close();
    }
  });

  it('draws an incident whose processes only its alerts remember', async () => {
    const fresh = await startApi();
    try {
      await commitAlert(fresh.store, makeAlert(1), makeIncident(0));
      const { json } = await fresh.get(`/api/v1/incidents/${makeIncident(0).id}/picture`);
      const marked = rows(json).filter(({ mark }) => mark !== null);
      expect(marked).toMatchObject([{ process: { binary: '/usr/bin/nc', known: 'stored' } }]);
      expect(marked[0]?.mark?.alert_ids).toEqual([makeAlert(1).id]);
    } finally {
      await fresh.close();
    }
  });
});

describe('the picture of a pod at a past time', () => {
  const events = merged(eventsOf('lateral-movement', 'tetragon'), eventsOf('lateral-movement', 'hubble'));
  const netcat = liveProcess('nc.traditional');
  const { namespace = '', name = '' } = netcat.pod ?? {};
  const pod = `${namespace}/${name}`;
  const before = formatInstant(netcat.facts.startTime - MICROS_PER_SECOND);
  const lost = { source: 'tetragon', node: 'n', count: 3, from: before, to: before, reason: 'ring buffer' } as const;
  let api: Harness;

  beforeAll(async () => {
    const podAt = async (inside: string, called: string, until: number): Promise<PastPod | null> => {
      const past = new Context();
      for (const event of events) if (event.time <= until) past.observe(event);
      const found = past.pod(inside, called);
      return found === null ? null : { pod: found, from: events[0]?.time ?? 0, gaps: [lost], isWhole: true };
    };
    api = await startApi({ deps: { live: liveContext(), recording: { capture: async () => null, podAt } } });
  });
  afterAll(() => api.close());
  const draw = (query: string, token?: string) =>
    api.get(`/api/v1/pods/${pod}/picture${query}`, token === undefined ? {} : { token });

  it('has what ran then, and nothing of what came later', async () => {
    const [then, now] = [(await draw(`?at=${before}`)).json, (await draw('')).json];
    expect(rows(now).some(({ key }) => key === netcat.execId)).toBe(true);
    expect(rows(then).some(({ key }) => key === netcat.execId)).toBe(false);
    expect(rows(then).some(({ process: own }) => own?.binary.endsWith('/node'))).toBe(true);
    expect(then.links.filter(({ first_seen }: Link) => first_seen > before)).toEqual([]);
    expect(then.past).toMatchObject({ is_whole: true, gaps: [lost] });
    expect(now.past).toBeNull();
    const open = (await draw(`?at=${before}&show=${encodeURIComponent(toggleOf(then, `host above ${pod}`))}`)).json;
    expect(rows(open).length).toBeGreaterThan(rows(then).length);
  });

  it('marks what had fired by then', async () => {
    const alert = makeAlert(1, { process: storedProcess(netcat.execId), namespace });
    const time = formatInstant(netcat.facts.startTime);
    const of = alert.pod === null ? null : { ...alert.pod, name };
    await commitAlert(api.store, { ...alert, pod: of, time, first_seen: time, last_seen: time }, null);
    const marked = async (query: string) => rows((await draw(query)).json).filter(({ mark }) => mark !== null);
    expect(await marked(`?at=${before}`)).toEqual([]);
    expect((await marked('')).map(({ key }) => key)).toEqual([netcat.execId]);
  });

  it('is for those who see the namespace, and tells them that something was lost, but not how much', async () => {
    const { tokens } = api.store;
    const { secret: all } = await tokens.create({ name: 'all', scopes: ['admin'], namespaces: null, expires_at: null });
    const limited = (inside: string) =>
      tokens.create({ name: inside, scopes: ['read'], namespaces: [inside], expires_at: null });
    const { secret: own } = await limited(namespace);
    expect((await draw(`?at=${before}`, own)).json.past).toMatchObject({ gaps: [{ ...lost, count: 0 }] });
    expect((await draw(`?at=${before}`, (await limited('bank')).secret)).status).toBe(404);
    expect((await draw('?at=yesterday', all)).status).toBe(400);
    expect((await draw('?at=2001-01-01T00:00:00Z', all)).status).toBe(404);
  });
});
