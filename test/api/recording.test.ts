import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TreeProcess } from '../../src/api/views.ts';
import { replayFolder } from '../support/replay.ts';
import { commitAlert, type Harness, startApi } from './support.ts';

describe('the recorded break-in, by HTTP', () => {
  let api: Harness;
  let run: Awaited<ReturnType<typeof replayFolder>>;
  let path: string;
  const folder = mkdtempSync(join(tmpdir(), 'spoor-api-'));

  beforeAll(async () => {
    run = await replayFolder(fileURLToPath(new URL('../../captures/lateral-movement', import.meta.url)));
    api = await startApi({ deps: { live: run.engine.context } });
    for (const alert of run.alerts) {
      await commitAlert(api.store, alert, run.incidents.find(each => each.id === alert.incident_id) ?? null);
    }
    path = `/api/v1/incidents/${(await api.get('/api/v1/incidents?level=critical')).json.items[0].id}`;
  });
  afterAll(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });

  /** From the shell's process upwards: base names. */
  const lineage = (nodes: readonly TreeProcess[], execId: string): string[] => {
    const names: string[] = [];
    for (let at = nodes.find(node => node.exec_id === execId); at !== undefined; ) {
      names.push(at.binary.slice(at.binary.lastIndexOf('/') + 1));
      const parent: string | null = at.parent_exec_id;
      at = nodes.find(node => node.exec_id === parent);
    }
    return names;
  };

  it('shows who started whom, and who talked to the attacker', async () => {
    const { processes } = (await api.get(`${path}/tree`)).json as { processes: TreeProcess[] };
    const netcat = processes.find(node => node.binary.endsWith('nc.traditional'));
    expect(netcat?.connections).toContainEqual(
      expect.objectContaining({
        attribution: 'socket',
        exec_id: netcat?.exec_id,
        destination: expect.objectContaining({ ip: '198.51.100.66', port: 4_444 }),
      }),
    );
    expect(netcat?.alerts.length).toBeGreaterThan(0);
    expect(lineage(processes, netcat?.exec_id ?? '').slice(0, 3)).toEqual(['nc.traditional', 'sh', 'node']);
    const upload = processes.find(node => node.arguments.includes('exfil-bucket'));
    expect(lineage(processes, upload?.exec_id ?? '').slice(0, 3)).toEqual(['curl', 'bash', 'nc.traditional']);
  });

  it('draws the same processes from the store alone', async () => {
    const alone = await startApi();
    for (const alert of run.alerts) {
      await commitAlert(alone.store, alert, run.incidents.find(each => each.id === alert.incident_id) ?? null);
    }
    const { processes } = (await alone.get(`${path}/tree`)).json as { processes: TreeProcess[] };
    const upload = processes.find(node => node.arguments.includes('exfil-bucket'));
    expect(lineage(processes, upload?.exec_id ?? '').slice(0, 5)).toEqual([
      'curl',
      'bash',
      'nc.traditional',
      'sh',
      'node',
    ]);
    expect(processes.every(node => node.known !== 'live')).toBe(true);
    await alone.close();
  });

  it('exports what fires the same alert again', async () => {
    const capture = join(folder, 'incident.jsonl');
    writeFileSync(capture, (await api.get(`${path}/capture`)).text);
    const again = await replayFolder([capture]);
    const ids = again.alerts.map(alert => alert.id);
    const critical = run.alerts.filter(alert => alert.rule.level === 'critical').map(alert => alert.id);
    expect(critical.some(id => ids.includes(id))).toBe(true);
    const all = run.alerts.map(alert => alert.id);
    expect(ids.filter(id => !all.includes(id))).toEqual([]);
  });
});
