import { describe, expect, it } from 'vitest';
import { createPagerduty, PAGERDUTY_LIMITS, pagerdutyConfig, pagerdutyEvent } from '../../src/sinks/pagerduty.ts';
import { HOSTILE } from '../support/hostile.ts';
import { httpSinkConformance } from './conformance.ts';
import { aDelivery, anAlert, anIncident, hostileDelivery, receiver, STEERS, someDeps, stringsIn } from './support.ts';

const create = (url: string) =>
  createPagerduty(
    'pager',
    pagerdutyConfig.parse({ type: 'pagerduty', routing_key: 'SECRET-KEY', url, allow_private: true }),
    someDeps(),
  );

httpSinkConformance('pagerduty', {
  create,
  success: { status: 202, body: '{"status":"success"}' },
  statusSuffices: true,
  outcomes: { 400: 'drop' },
});

interface Event {
  event_action: string;
  dedup_key: string;
  payload: {
    summary: string;
    source: string;
    severity: string;
    component: string;
    custom_details: { alerts: object[]; alerts_total: number };
  };
}
const event = (...args: Parameters<typeof pagerdutyEvent>): Event => pagerdutyEvent(...args) as unknown as Event;

describe('a PagerDuty event', () => {
  it('goes out with its routing key', async () => {
    const { url, received, close } = await receiver((_, response) => response.writeHead(202).end());
    const sink = create(url);
    await sink.send(aDelivery(), AbortSignal.timeout(5_000));
    await sink.close();
    await close();
    expect(JSON.parse(received[0]!.body)).toMatchObject({
      routing_key: 'SECRET-KEY',
      event_action: 'trigger',
      dedup_key: 'i1',
    });
  });

  it('tells what happened', () => {
    expect(event(aDelivery(), 'https://spoor.example')).toMatchObject({
      event_action: 'trigger',
      dedup_key: 'i1',
      client_url: 'https://spoor.example/api/v1/incidents/i1',
      payload: {
        summary: 'CRITICAL: nc in tenant-jobs/crawler-1 gave a shell to c2.evil.example',
        source: 'tenant-jobs/crawler-1',
        severity: 'critical',
        component: 'crawler',
        group: 'tenant-jobs',
        class: 'Reverse shell',
        custom_details: {
          alerts_total: 1,
          alerts: [
            {
              'att&ck': 'execution, T1059.004',
              process_tree: [
                expect.stringContaining('nginx'),
                expect.stringContaining('/bin/sh'),
                expect.stringContaining('/usr/bin/nc -e'),
              ],
              destinations: [expect.stringContaining('c2.evil.example 203.0.113.7:4444')],
            },
          ],
        },
      },
    });
  });

  it.each([
    ['critical', 'critical'],
    ['high', 'error'],
    ['medium', 'warning'],
    ['low', 'info'],
    ['informational', 'info'],
  ] as const)('gives %s the severity %s', (level, severity) => {
    const alert = anAlert({ rule: { ...anAlert().rule, level } });
    expect(event(aDelivery({ alerts: [alert], incident: anIncident({ level }) }), null).payload.severity).toBe(
      severity,
    );
  });

  it.each([
    ['incident.acknowledged', 'acknowledge'],
    ['incident.resolved', 'resolve'],
    ['incident.merged', 'resolve'],
    ['incident.reopened', 'trigger'],
  ] as const)('answers %s with %s under the same key', (signal, action) => {
    expect(event(aDelivery({ signal, alerts: [] }), null)).toMatchObject({ event_action: action, dedup_key: 'i1' });
  });

  it('has a key of its own for an alert of no incident, and for a test', () => {
    expect(event(aDelivery({ incident: null }), null).dedup_key).toBe('a1');
    expect(event(aDelivery({ signal: 'test', incident: null, alerts: [anAlert({ id: 't' })] }), null).dedup_key).toBe(
      't',
    );
  });

  it.each(HOSTILE)('keeps its limits with hostile text: $name', ({ text }) => {
    const one = hostileDelivery(text);
    const alerts = Array.from({ length: 100 }, () => one.alerts[0]!);
    const made = event(
      { ...one, alerts, incident: anIncident({ title: text, pods: [text] }) },
      'https://spoor.example',
    );
    expect(Buffer.byteLength(JSON.stringify(made))).toBeLessThan(PAGERDUTY_LIMITS.eventBytesMax - 512);
    expect(made.payload.summary.length).toBeLessThanOrEqual(1_024);
    expect(made.payload.source.length).toBeGreaterThan(0);
    for (const shown of stringsIn(made)) expect(STEERS.test(shown)).toBe(false);
    expect(made.payload.custom_details.alerts_total).toBe(100);
  });

  it('needs its key', () => {
    expect(() => pagerdutyConfig.parse({ type: 'pagerduty' })).toThrow(/routing_key or routing_key_file/);
  });
});
