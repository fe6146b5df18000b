import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STORE_LIMITS } from '../../src/store/store.ts';
import { type Harness, startApi } from './support.ts';

const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
const PATH = '/api/v1/silences';

describe('silences', () => {
  let api: Harness;
  let changes: number;
  beforeEach(async () => {
    changes = 0;
    api = await startApi({
      deps: {
        silencesChanged: () => {
          changes++;
        },
      },
    });
  });
  afterEach(() => api.close());

  it('are made, read and ended, with who, why and an audit row', async () => {
    const until = inHours(1);
    const match = { rule: ['Reverse*'], namespace: ['shop'], label: { app: ['web', 'cart'] } };
    const made = await api.post(PATH, { match, until, reason: 'a drill' });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ match, until, active: true, author: 'anonymous', reason: 'a drill', alerts: 0 });
    const one = `${PATH}/${made.json.id}`;
    expect((await api.get(one)).json).toEqual(made.json);
    expect((await api.get(PATH)).json.items).toEqual([made.json]);
    expect((await api.call('DELETE', one)).status).toBe(204);
    const ended = (await api.get(one)).json;
    expect(ended.active).toBe(false);
    // Ended once, it stays so.
    expect((await api.call('DELETE', one)).status).toBe(204);
    expect((await api.get(one)).json).toEqual(ended);
    expect((await api.call('DELETE', `${PATH}/unknown`)).status).toBe(404);
    expect(changes).toBe(3);
    const audit = (await api.get(`/api/v1/audit?target=${made.json.id}`)).json.items;
    expect(audit.at(-1)).toMatchObject({
      actor: 'anonymous',
      action: 'silence.create',
      detail: `until ${until}: a drill`,
    });
  });

  it.each([
    [{ match: {} }, 'match', expect.any(String)],
    [{ match: { level: ['loud'] } }, 'match.level.0', 'expected one of: informational, low, medium, high, critical'],
    [{ match: { rule: [] } }, 'match.rule', 'must not be empty'],
    [{ match: 'all' }, 'match', 'expected an object'],
    [{ match: undefined }, 'match', 'is missing'],
    [{ match: { colour: ['red'] } }, 'match.colour', 'is not known'],
    [{ until: '2020-01-01T00:00:00Z' }, 'until', expect.any(String)],
    [{ until: '2199-01-01T00:00:00Z' }, 'until', expect.any(String)],
    [{ until: 5 }, 'until', 'expected text'],
    [{ reason: '' }, 'reason', 'must not be empty'],
    [{ reason: 'x'.repeat(9_999) }, 'reason', expect.stringMatching(/^must be at most \d+ characters long$/)],
    [{ reason: undefined }, 'reason', 'is missing'],
  ])('refuse %j and name the field', async (wrong, field, message) => {
    const answer = await api.post(PATH, { match: { rule: ['x'] }, until: inHours(1), reason: 'why', ...wrong });
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0]).toMatchObject({ in: 'body', field, message });
    expect(changes).toBe(0);
  });

  it('of callers of some namespaces hush nothing of others', async () => {
    await api.store.tokens.create({ name: 'a', scopes: ['admin'], namespaces: null, expires_at: null });
    const spec = { name: 's', scopes: ['write'], namespaces: ['shop', 'cart'], expires_at: null } as const;
    const { secret: token } = await api.store.tokens.create(spec);
    const until = inHours(1);
    const post = (match: object) => api.post(PATH, { match, until, reason: 'why' }, { token });
    for (const match of [
      { rule: ['x'] },
      { namespace: ['bank'] },
      { namespace: ['shop', 'bank'] },
      { namespace: ['*'] },
    ]) {
      expect((await post(match)).status, JSON.stringify(match)).toBe(403);
    }
    const mine = await post({ namespace: ['shop'] });
    expect(mine.status).toBe(201);
    const silence = { match: { rule: ['x'] }, until: Date.parse(until), author: 'a', reason: 'r' };
    const other = await api.store.silences.create(silence, null);
    expect((await api.get(PATH, { token })).json.items).toEqual([mine.json]);
    expect((await api.get(`${PATH}/${other.id}`, { token })).status).toBe(404);
    expect((await api.call('DELETE', `${PATH}/${other.id}`, { token })).status).toBe(404);
    expect((await api.store.silences.get(other.id, null))?.until).toBe(silence.until);
  });

  it('are bounded', async () => {
    const silence = { match: { rule: ['x'] }, until: Date.now() + 3_600_000, author: 'a', reason: 'r' };
    for (let n = 0; n < STORE_LIMITS.silencesMax; n++) await api.store.silences.create(silence, null);
    const answer = await api.post(PATH, { match: { rule: ['x'] }, until: inHours(1), reason: 'why' });
    expect([answer.status, answer.json.detail]).toEqual([409, expect.stringContaining('end some of them first')]);
  });
});
