import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert, AlertChange, Gap, Incident } from '../../src/alerts/alert.ts';
import { Alerting, restoreSince } from '../../src/alerts/alerting.ts';
import { LIMITS } from '../../src/model/limits.ts';
import type { Process } from '../../src/model/process.ts';
import { formatInstant } from '../../src/model/time.ts';
import type { Finding } from '../../src/rules/finding.ts';
import type { Level, Rule } from '../../src/rules/rule.ts';
import { at, exec, flow, makeProcess, rule, seconds } from '../support/observations.ts';
import { finding } from './findings.ts';

const reverseShell = rule({ id: 'reverse-shell', level: 'critical', tags: ['attack.t1059.004'] });
const upload = rule({ id: 'upload', level: 'high', tags: ['attack.t1567.002'] });
const oddity = rule({ id: 'oddity', level: 'low' });

function crawler(name = 'tenant-jobs/crawler-1'): { main: Process; nc: Process; bash: Process; curl: Process } {
  const runc = makeProcess('runc', { binary: '/usr/bin/containerd-shim-runc-v2' });
  const main = makeProcess(`${name}-node`, { parent: runc, binary: '/usr/bin/node', pod: name });
  const nc = makeProcess(`${name}-nc`, { parent: main, binary: '/usr/bin/nc.traditional', arguments: '-e /bin/bash' });
  const bash = makeProcess(`${name}-bash`, { parent: nc, replaced: nc, binary: '/bin/bash' });
  const curl = makeProcess(`${name}-curl`, { parent: bash, binary: '/usr/bin/curl' });
  return { main, nc, bash, curl };
}

const once = (alerting: Alerting, found: Finding): AlertChange => alerting.accept(found, [])[0]!;
const fire = (r: Rule, time: number, process: Process): Finding => finding(r, [exec(time, 'x', process)]);

describe('an alert', () => {
  it('tells the process, its whole ancestry, pod, evidence and steps', () => {
    const { nc, main } = crawler();
    const change = once(new Alerting(), fire(reverseShell, 5, nc));
    expect(change.type).toBe('new');
    const { alert } = change;
    expect(alert.id).toMatch(/^[0-9a-f]{32}$/);
    expect(alert.time).toBe(formatInstant(at(5)));
    expect(alert.process).toMatchObject({ binary: '/usr/bin/nc.traditional', arguments: '-e /bin/bash' });
    expect(alert.ancestors.map(p => p.exec_id)).toEqual([main.execId, 'runc']);
    expect(alert.pod).toMatchObject({ namespace: 'tenant-jobs', name: 'crawler-1' });
    expect(alert.trees).toEqual([main.execId]);
    expect(alert.evidence).toEqual([{ kind: 'process_exec', time: alert.time, step: 's0', raw: {} }]);
    expect(alert.steps).toEqual({ s0: { event: 0 } });
    expect(alert.rule).toMatchObject({ id: 'reverse-shell', level: 'critical', tags: ['attack.t1059.004'] });
    expect(alert.message).toBe('reverse-shell: nc.traditional in tenant-jobs/crawler-1');
  });

  it('has the connections of its evidence, then those its processes had open, over exec, without name look-ups', () => {
    const { nc, bash, curl } = crawler();
    const opened = flow(6, 'shell', { process: nc, to: 'tenant-web/shop' });
    nc.connections.push(opened.connection!);
    const lookup = flow(6, 'dns', { process: bash });
    (lookup.connection!.server as { port: number }).port = 53;
    bash.connections.push(lookup.connection!);
    const evidence = flow(8, 'upload', { process: curl });
    curl.connections.push(evidence.connection!);
    const { alert } = once(new Alerting(), finding(upload, [exec(7, 'x', bash), exec(7.5, 'x', curl), evidence]));
    expect(alert.flows.map(f => f.exec_id)).toEqual([curl.execId, nc.execId]);
    expect(alert.flows[1]).toMatchObject({
      attribution: 'socket',
      protocol: 'TCP',
      source: { pod: 'tenant-jobs/crawler-1' },
      destination: { pod: 'tenant-web/shop' },
    });
  });

  it('survives a record that is no JSON, and one that is too long', () => {
    const { nc } = crawler();
    const bad = exec(1, 'x', nc);
    for (const line of ['{"process_exec":', `"${'a'.repeat(2_000_000)}"`]) {
      (bad.event as { raw: unknown }).raw = { line: () => line, detach: () => null };
      const { alert } = once(new Alerting(), finding(upload, [bad]));
      expect(alert.evidence[0]?.raw).toMatchObject({ chars: line.length, head: line.slice(0, 4096) });
    }
  });

  it('stays bounded, however much evidence there is and however long arguments are', () => {
    const { main } = crawler();
    const process = makeProcess('loud', { parent: main, arguments: 'x'.repeat(5_000_000) });
    const observations = Array.from({ length: 64 }, (_, i) => exec(i, 'x', process));
    for (const observation of observations) {
      (observation.event as { raw: unknown }).raw = {
        line: () => JSON.stringify('y'.repeat(300_000)),
        detach: () => null,
      };
    }
    const { alert } = once(new Alerting(), finding(upload, observations));
    expect(alert.evidence).toHaveLength(64);
    expect(JSON.stringify(alert).length).toBeLessThan(2_000_000);
  });

  it('is incomplete when its window overlaps a gap on its node', () => {
    const { nc } = crawler();
    const gap = (node: string, from: number, to: number): Gap => ({
      source: 'hubble',
      node,
      count: 3,
      from: formatInstant(at(from)),
      to: formatInstant(at(to)),
      reason: 'HUBBLE_RING_BUFFER',
    });
    const found = finding(reverseShell, [exec(10, 'x', nc), exec(20, 'y', nc)]);
    const gaps = [
      gap('node-1', 1, 9),
      gap('node-1', 12, 13),
      gap('node-2', 12, 13),
      gap('', 20, 30),
      gap('node-1', 21, 22),
    ];
    const { alert } = new Alerting().accept(found, gaps)[0]!;
    expect(alert.incomplete).toBe(true);
    expect(alert.gaps).toEqual([gaps[1], gaps[3]]);
    expect(new Alerting().accept(found, [gaps[0]!])[0]?.alert.incomplete).toBe(false);
  });

  it('keeps its id over runs, and has another with other rule content, key or evidence', () => {
    const { nc } = crawler();
    const found = finding(reverseShell, [exec(1, 'x', nc), exec(2, 'y', nc)]);
    const id = (f: Finding): string => once(new Alerting(), f).alert.id;
    expect(id({ ...found, trigger: { ...found.trigger, seq: 999 } })).toBe(id(found));
    const others = [
      { ...found, rule: { ...reverseShell, hash: 'other' } },
      { ...found, key: 'other' },
      finding(reverseShell, [exec(1.5, 'x', nc), exec(2, 'y', nc)]),
      finding(reverseShell, [exec(1, 'x', nc), exec(2.5, 'y', nc)]),
    ].map(id);
    expect(new Set([id(found), ...others]).size).toBe(5);
  });
});

describe('suppression', () => {
  it('counts up on the same rule and key while it goes on, then begins anew', () => {
    const { nc } = crawler();
    const alerting = new Alerting({ suppress: seconds(300), incidentWindow: seconds(1800) });
    const first = once(alerting, fire(upload, 0, nc));
    const second = once(alerting, fire(upload, 200, nc));
    const third = once(alerting, fire(upload, 450, nc));
    expect([second.type, third.type]).toEqual(['counted', 'counted']);
    expect(third.alert).toMatchObject({ id: first.alert.id, count: 3, last_seen: formatInstant(at(450)) });
    expect(third.incident).toMatchObject({ id: first.incident!.id, alert_count: 1, last_seen: formatInstant(at(450)) });
    const later = once(alerting, fire(upload, 751, nc));
    expect(later).toMatchObject({ type: 'new', alert: { count: 1 } });
    expect(later.incident?.id).toBe(first.incident?.id);
  });

  it('does not count the very same finding twice', () => {
    const { nc } = crawler();
    const alerting = new Alerting();
    const found = fire(upload, 0, nc);
    once(alerting, found);
    expect(once(alerting, found)).toMatchObject({ type: 'counted', alert: { count: 1 } });
  });

  it('is by rule and key', () => {
    const { nc, curl } = crawler();
    const alerting = new Alerting();
    const types = [fire(upload, 0, nc), fire(upload, 1, curl), fire(reverseShell, 2, nc)].map(
      f => once(alerting, f).type,
    );
    expect(types).toEqual(['new', 'new', 'new']);
  });
});

describe('incidents', () => {
  it('join alerts of one tree however far apart within a day', () => {
    const { nc, curl } = crawler();
    const alerting = new Alerting();
    const first = once(alerting, fire(reverseShell, 0, nc));
    const second = once(alerting, fire(upload, 20 * 3600, curl));
    expect(second.incident).toMatchObject({
      id: first.incident!.id,
      alert_count: 2,
      level: 'critical',
      namespace: 'tenant-jobs',
      pods: ['tenant-jobs/crawler-1'],
      rules: ['reverse-shell', 'upload'],
      tags: ['attack.t1059.004', 'attack.t1567.002'],
      first_seen: formatInstant(at(0)),
      last_seen: formatInstant(at(20 * 3600)),
    });
  });

  it('join another tree of the same pod within the window only', () => {
    const { nc } = crawler();
    const session = makeProcess('kubectl-exec', { pod: 'tenant-jobs/crawler-1', binary: '/bin/bash' });
    const near = new Alerting();
    const first = once(near, fire(reverseShell, 0, nc));
    expect(once(near, fire(upload, 1700, session)).incident?.id).toBe(first.incident?.id);
    const far = new Alerting();
    once(far, fire(reverseShell, 0, nc));
    expect(once(far, fire(upload, 1900, session)).incident?.id).not.toBe(first.incident?.id);
  });

  it('join pods that a flow connects, whichever alerts first', () => {
    const a = crawler('tenant-jobs/crawler-1');
    const b = crawler('tenant-jobs/elasticsearch-0');
    const connect = flow(10, 'lateral', { process: a.curl, to: 'tenant-jobs/elasticsearch-0' });
    const moving = finding(upload, [connect]);
    const arrived = (time: number): Finding => fire(reverseShell, time, b.nc);
    for (const order of [
      [moving, arrived(20)],
      [arrived(5), moving],
    ]) {
      const alerting = new Alerting();
      const [first, second] = order.map(f => once(alerting, f));
      expect(second!.incident?.id).toBe(first!.incident?.id);
      expect([...second!.incident!.pods].sort()).toEqual(['tenant-jobs/crawler-1', 'tenant-jobs/elasticsearch-0']);
    }
  });

  it('are not joined by a name server that both ask', () => {
    const a = crawler('a/one');
    const b = crawler('kube-system/coredns-1');
    const lookup = flow(10, 'dns', { process: a.curl, to: 'kube-system/coredns-1' });
    (lookup.connection!.server as { port: number }).port = 53;
    const alerting = new Alerting();
    const first = once(alerting, finding(upload, [lookup]));
    expect(once(alerting, fire(reverseShell, 11, b.nc)).incident?.id).not.toBe(first.incident?.id);
  });

  it('merge visibly into the older one when they turn out to be connected', () => {
    const a = crawler('a/one');
    const b = crawler('b/two');
    const alerting = new Alerting();
    const older = once(alerting, fire(upload, 0, a.nc));
    const newer = once(alerting, fire(reverseShell, 5, b.nc));
    expect(newer.incident?.id).not.toBe(older.incident?.id);
    const bridge = once(alerting, finding(upload, [flow(10, 'bridge', { process: a.curl, to: 'b/two' })]));
    expect(bridge.incident).toMatchObject({
      id: older.incident!.id,
      alert_count: 3,
      level: 'critical',
      pods: ['a/one', 'b/two'],
    });
    expect(bridge.merged).toMatchObject([{ id: newer.incident!.id, state: 'merged', merged_into: older.incident!.id }]);
    const counted = once(alerting, fire(reverseShell, 20, b.nc));
    expect(counted).toMatchObject({ type: 'counted', alert: { incident_id: older.incident!.id } });
    expect(once(alerting, fire(upload, 30, b.curl)).incident?.id).toBe(older.incident?.id);
  });

  it('are not opened by context, but take it in', () => {
    const { nc, curl, main } = crawler();
    const alerting = new Alerting();
    const context = once(alerting, fire(oddity, 0, main));
    expect(context).toMatchObject({ incident: null, alert: { incident_id: '' } });
    const opened = once(alerting, fire(reverseShell, 60, nc));
    expect(opened.attached).toEqual([context.alert.id]);
    expect(opened.incident).toMatchObject({ alert_count: 2, level: 'critical', rules: ['oddity', 'reverse-shell'] });
    expect(once(alerting, fire(oddity, 61, main))).toMatchObject({
      type: 'counted',
      alert: { incident_id: opened.incident!.id },
    });
    expect(once(alerting, fire(oddity, 90, curl)).alert.incident_id).toBe(opened.incident?.id);
    const elsewhere = makeProcess('kubectl-exec', { pod: 'tenant-jobs/crawler-1' });
    expect(once(alerting, fire(oddity, 91, elsewhere)).incident).toBeNull();
  });

  it('end after a day without alerts', () => {
    const { nc, curl } = crawler();
    const alerting = new Alerting();
    const first = once(alerting, fire(reverseShell, 0, nc));
    expect(once(alerting, fire(upload, 86_500, curl)).incident?.id).not.toBe(first.incident?.id);
  });

  it('follow a pod onto the host that it broke out to', () => {
    const breakout = rule({ id: 'breakout', level: 'critical', tags: ['attack.t1611'] });
    const host = (name: string): Process => makeProcess(name, { binary: '/tmp/c.sh' });
    const alerting = new Alerting();
    const before = once(alerting, fire(upload, 0, host('before')));
    const one = once(alerting, fire(breakout, 10, crawler('a/one').nc));
    const two = once(alerting, fire(breakout, 20, crawler('a/two').nc));
    const after = once(alerting, fire(reverseShell, 30, host('after')));
    expect(after.incident?.id).toBe(two.incident?.id);
    expect(after.merged).toEqual([]);
    expect(new Set([before, one, two].map(change => change.incident?.id)).size).toBe(3);
    expect(once(alerting, fire(reverseShell, 30 + 1_900, host('later'))).incident?.id).not.toBe(two.incident?.id);
  });

  it('follow a process out of its container, and keep host sessions apart', () => {
    const { bash } = crawler();
    const escaped = { ...makeProcess('escaped', { binary: '/usr/bin/cat' }), parent: bash };
    const sshd = { ...makeProcess('sshd', { binary: '/usr/sbin/sshd' }) };
    const one = makeProcess('one', { parent: sshd });
    const two = makeProcess('two', { parent: sshd });
    const alerting = new Alerting();
    const first = once(alerting, fire(reverseShell, 0, bash));
    expect(once(alerting, fire(upload, 5, escaped)).incident?.id).toBe(first.incident?.id);
    const hosts = [one, two].map(process => once(alerting, fire(upload, 6, process)).incident?.id);
    expect(new Set([first.incident?.id, ...hosts]).size).toBe(3);
  });
});

describe('the story', () => {
  const told = (message: string, level: Level, id = message): Rule => rule({ id, level, message });

  it('names the worst things in the order in which they happened, and the pod once', () => {
    const { nc, curl, main } = crawler();
    const alerting = new Alerting();
    const shell = told('{process.name} in {pod.namespace}/{pod.name} opened a shell to 198.51.100.66:4444', 'critical');
    const leak = told('{process.name} in {pod.namespace}/{pod.name} uploaded to exfil-bucket', 'high');
    once(alerting, fire(told('something was odd (4711)', 'high'), 0, main));
    once(alerting, fire(told('someone looked around', 'medium'), 0, makeProcess('id', { parent: main })));
    once(alerting, fire(shell, 1, nc));
    const { incident } = once(alerting, fire(leak, 9, curl));
    expect(incident?.title).toBe(
      'something was odd in tenant-jobs/crawler-1, then nc.traditional opened a shell to 198.51.100.66:4444, ' +
        'then curl uploaded to exfil-bucket',
    );
  });

  it('tells what is new rather than more of the same', () => {
    const { nc, bash, curl } = crawler();
    const alerting = new Alerting();
    const shell = (n: number): Rule =>
      rule({ id: `${n}`, level: 'critical', tags: ['attack.execution', 'attack.t1059.004'], message: `shell ${n}` });
    for (const [i, process] of [nc, bash].entries()) once(alerting, fire(shell(i), i, process));
    const leak = rule({ level: 'high', tags: ['attack.exfiltration', 'attack.t1567.002'], message: 'leak' });
    const { incident } = once(alerting, fire(leak, 5, curl));
    expect(incident?.title).toBe('shell 0 in tenant-jobs/crawler-1, then leak');
  });

  it('is not pushed out by a flood of something worse', () => {
    const { nc, main } = crawler();
    const alerting = new Alerting();
    once(alerting, fire(rule({ level: 'high', tags: ['attack.exfiltration'], message: 'leak' }), 0, nc));
    const flood = rule({ level: 'critical', tags: ['attack.execution'], message: 'shell' });
    for (let i = 1; i < 200; i++) once(alerting, fire(flood, i, makeProcess(`p${i}`, { parent: main })));
    const { incident } = once(alerting, fire(flood, 200, makeProcess('last', { parent: main })));
    expect(incident).toMatchObject({ title: 'leak in tenant-jobs/crawler-1, then shell', alert_count: 201 });
  });

  it('says how long after the start of its container it began', () => {
    const { nc } = crawler('shop/late');
    const container = {
      id: 'c',
      name: 'web',
      imageId: '',
      imageName: 'web:1',
      maybeExecProbe: false,
      privileged: null,
    };
    const since = (start: number | null): string => {
      nc.pod = { ...nc.pod!, container: { ...container, startTime: start } };
      return once(new Alerting(), fire(told('nc ran', 'high'), 7_300, nc)).incident!.title;
    };
    expect(since(at(0))).toBe('nc ran in shop/late, 2 h after its container had started');
    expect(since(at(7_290))).toBe('nc ran in shop/late');
    expect(since(null)).toBe('nc ran in shop/late');
  });

  it('names what happened on the host, too', () => {
    const alerting = new Alerting();
    const tags = ['attack.privilege_escalation', 'attack.t1611'];
    const left = rule({ level: 'critical', tags, message: 'sh in a/one set a kernel helper' });
    const ran = rule({ level: 'critical', tags, message: 'the kernel ran /tmp/c.sh' });
    once(alerting, fire(left, 0, crawler('a/one').nc));
    const { incident } = once(alerting, fire(ran, 1, makeProcess('host', { binary: '/tmp/c.sh' })));
    expect(incident?.title).toBe('sh in a/one set a kernel helper, then the kernel ran /tmp/c.sh');
  });
});

describe.each([
  ['', LIMITS],
  [' of incidents that fill up', { ...LIMITS, alertsPerIncidentMax: 3, incidentAgeSecondsMax: 20_000 }],
] as const)('the same findings%s', (_, limits) => {
  const start = (): Alerting => new Alerting(undefined, limits);
  const pods = ['a/1', 'a/2', 'b/1'].map(name => crawler(name));
  const rules = [reverseShell, upload, oddity];
  const step = fc.record({
    after: fc.integer({ min: 0, max: 4_000 }),
    pod: fc.nat(2),
    who: fc.constantFrom('main', 'nc', 'curl'),
    rule: fc.nat(2),
    to: fc.option(fc.constantFrom('a/1', 'a/2', 'b/1'), { nil: null }),
  });

  function findings(
    steps: readonly { after: number; pod: number; who: string; rule: number; to: string | null }[],
  ): Finding[] {
    let time = 0;
    return steps.map(s => {
      time += s.after;
      const process = pods[s.pod]![s.who as 'main'];
      const observation = s.to === null ? exec(time, 'x', process) : flow(time, `f${time}`, { process, to: s.to });
      return finding(rules[s.rule]!, [observation]);
    });
  }

  /** A store in miniature. */
  class Kept {
    readonly alerts = new Map<string, Alert>();
    readonly incidents = new Map<string, Incident>();
    apply({ alert, incident, attached, merged }: AlertChange): void {
      this.alerts.set(alert.id, alert);
      for (const other of merged) {
        this.incidents.set(other.id, other);
        for (const each of this.alerts.values()) {
          if (each.incident_id === other.id) this.alerts.set(each.id, { ...each, incident_id: other.merged_into });
        }
      }
      if (incident === null) return;
      this.incidents.set(incident.id, incident);
      for (const id of attached) this.alerts.set(id, { ...this.alerts.get(id)!, incident_id: incident.id });
    }
  }

  it('make the same changes on every run', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const [one, two] = [start(), start()];
        expect(findings(steps).map(f => once(one, f))).toEqual(findings(steps).map(f => once(two, f)));
      }),
    );
  });

  it('keep every alert in exactly one unmerged incident that counts it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const kept = new Kept();
        const alerting = start();
        for (const f of findings(steps)) kept.apply(once(alerting, f));
        const counts = new Map<string, number>();
        for (const alert of kept.alerts.values()) {
          if (alert.incident_id === '') expect(alert.rule.level).toBe('low');
          else counts.set(alert.incident_id, (counts.get(alert.incident_id) ?? 0) + 1);
        }
        for (const incident of kept.incidents.values()) {
          expect(incident.alert_count).toBe(incident.state === 'merged' ? 0 : (counts.get(incident.id) ?? 0));
          expect(incident.alert_count).toBeLessThanOrEqual(limits.alertsPerIncidentMax);
        }
        for (const id of counts.keys()) expect(kept.incidents.get(id)?.state).toBe('open');
      }),
    );
  });

  it('change nothing when a source repeats them after a restart', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, again) => {
        const all = findings(steps);
        const kept = new Kept();
        const straight = start();
        for (const f of all) kept.apply(once(straight, f));
        const stored = { alerts: [...kept.alerts.values()], incidents: [...kept.incidents.values()] };
        const resumed = start();
        resumed.restore(stored);
        for (const f of all.slice(Math.min(again, all.length))) {
          const { type, alert, incident } = once(resumed, f);
          expect(type).toBe('counted');
          expect(alert.count).toBeLessThanOrEqual(kept.alerts.get(alert.id)!.count);
          if (incident !== null) expect(incident).toEqual(kept.incidents.get(incident.id));
        }
      }),
    );
  });

  it('make the same changes when it goes on from what was stored', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, cut) => {
        const all = findings(steps);
        const straight = start();
        const kept = new Kept();
        const before = all.slice(0, cut);
        for (const f of before) kept.apply(once(straight, f));
        const since = restoreSince(formatInstant(before.at(-1)?.time ?? 0));
        const resumed = start();
        resumed.restore({
          alerts: [...kept.alerts.values()].filter(alert => alert.last_seen >= since),
          incidents: [...kept.incidents.values()].filter(incident => incident.last_seen >= since),
        });
        for (const f of all.slice(cut)) expect(once(resumed, f)).toEqual(once(straight, f));
      }),
      { numRuns: 200 },
    );
  });
});
