import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { incidentCapture } from '../../src/app/incident-capture.ts';
import { Engine } from '../../src/engine.ts';
import { MICROS_PER_SECOND } from '../../src/model/time.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { FlightRecorder } from '../../src/recorder/recorder.ts';
import { captureSource } from '../../src/sources/capture/source.ts';
import { decodeLine, JsonDecoder } from '../../src/sources/json/decoder.ts';
import { memoryQuarantine } from '../../src/sources/quarantine.ts';
import { replayFolder, shippedRuleSet } from '../support/replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-incident-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const captures = join(import.meta.dirname, '../../captures');

/** A recording through the fold with a recorder beside it, in segments of `segmentBytes`. */
async function recorded(name: string, options: { keepSeconds?: number; segmentBytes?: number } = {}) {
  const engine = new Engine({ rules: shippedRuleSet() });
  const recorder = await FlightRecorder.open({
    path: mkdtempSync(join(folder, 'log-')),
    keep: (options.keepSeconds ?? 24 * 3_600) * MICROS_PER_SECOND,
    bytesMax: 1e9,
    decoder: () => new JsonDecoder(),
    isKnown: id => (engine.context.process(id)?.exitTime ?? null) === null,
    onProblem: message => {
      throw new Error(message);
    },
    segmentBytesMax: options.segmentBytes ?? 200_000,
  });
  const alerts = new Map<string, Alert>();
  const pipeline = new Pipeline({
    engine,
    sources: [
      captureSource({
        paths: ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(file => join(captures, name, file)),
        quarantine: memoryQuarantine(),
      }),
    ],
    ordering: null,
    record: events => recorder.append(events),
    store: async changes => {
      for (const { alert, attached, merged, incident } of changes) {
        alerts.set(alert.id, { ...alert, evidence: alerts.get(alert.id)?.evidence ?? alert.evidence });
        const gone = new Set(merged.map(each => each.id));
        for (const [id, other] of alerts) {
          if (incident !== null && (attached.includes(id) || gone.has(other.incident_id)))
            alerts.set(id, { ...other, incident_id: incident.id });
        }
      }
    },
  });
  await pipeline.run();
  return { recorder, alerts: [...alerts.values()] };
}

const capture = async (recorder: FlightRecorder, alerts: readonly Alert[], namespaces: string[] | null = null) => {
  const lines = await incidentCapture(
    recorder,
    alerts,
    alerts.flatMap(alert => alert.evidence),
    namespaces,
  );
  if (lines === null) return null;
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
};

const byIncident = (alerts: readonly Alert[]): Map<string, Alert[]> => {
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    if (alert.incident_id !== '') groups.set(alert.incident_id, [...(groups.get(alert.incident_id) ?? []), alert]);
  }
  return groups;
};
const scenarios = readdirSync(captures).filter(name => /^(lateral|miner|escape|credential|exfil)/.test(name));

describe('the capture of an incident', () => {
  it.each(scenarios)('replays to the same alerts and incidents: %s', { timeout: 60_000 }, async name => {
    const { recorder, alerts } = await recorded(name);
    const incidents = byIncident(alerts);
    expect(incidents.size).toBeGreaterThan(0);
    for (const [id, own] of incidents) {
      const lines = await capture(recorder, own);
      const path = join(folder, `${name}-${id}.jsonl`);
      writeFileSync(path, (lines ?? []).map(line => `${line}\n`).join(''));
      const again = await replayFolder([path]);
      const same = again.alerts.filter(alert => own.some(each => each.id === alert.id)).map(alert => alert.id);
      expect(same.sort()).toEqual(own.map(alert => alert.id).sort());
      expect(again.incidents.map(incident => incident.id)).toContain(id);
    }
    await recorder.close();
  });

  it('holds nothing of other pods, and the exec records of ancestors alone', async () => {
    const { recorder, alerts } = await recorded('lateral-movement');
    const [own = []] = [...byIncident(alerts).values()].sort((a, b) => b.length - a.length);
    const pods = new Set(own.map(alert => `${alert.pod?.namespace}/${alert.pod?.name}`));
    const events = ((await capture(recorder, own, ['tenant-jobs'])) ?? []).map(decodeLine);
    expect(events.length).toBeGreaterThan(50);
    for (const event of events) {
      if ('process' in event) {
        const pod = event.process.pod;
        if (pod === null || !pods.has(`${pod.namespace}/${pod.name}`)) expect(event.kind).toBe('process_exec');
      }
      if (event.kind === 'flow') {
        const ends = [event.sourceEndpoint, event.destinationEndpoint].map(end => `${end?.namespace}/${end?.podName}`);
        expect(ends.some(end => pods.has(end))).toBe(true);
      }
    }
    await recorder.close();
  });

  it('is none once its beginning is no longer recorded', async () => {
    const { recorder, alerts } = await recorded('lateral-movement', { keepSeconds: 10, segmentBytes: 20_000 });
    await recorder.close();
    const first = [...alerts].sort((a, b) => (a.time < b.time ? -1 : 1)).slice(0, 1);
    expect(await capture(recorder, first)).toBeNull();
  });
});
