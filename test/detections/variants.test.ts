/** The pack on made-up command lines: each attack is found and named at medium or above, none of its ordinary twins is. */
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { Engine } from '../../src/engine.ts';
import { LEVELS } from '../../src/rules/rule.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';
import { shippedRuleSet } from '../support/replay.ts';
import { ATTACKS } from './attacks.ts';
import { BLIND_ATTACKS } from './attacks-blind.ts';
import { CAMPAIGN_ATTACKS } from './attacks-campaigns.ts';
import { CLUSTER_ATTACKS } from './attacks-cluster.ts';
import { COMPOUND_ATTACKS } from './attacks-compound.ts';
import { HANDS_ON_ATTACKS } from './attacks-hands-on.ts';
import { LINUX_ATTACKS } from './attacks-linux.ts';
import { MORE_ATTACKS } from './attacks-more.ts';
import { POD_ATTACKS } from './attacks-pods.ts';
import { RENAMED_ATTACKS } from './attacks-renamed.ts';
import { TOOL_ATTACKS } from './attacks-tools.ts';
import { BENIGN } from './benign.ts';
import { AUTOMATION, NODE_AGENTS } from './benign-automation.ts';
import { CAMPAIGN_TWINS } from './benign-campaigns.ts';
import { CLUSTER_TWINS } from './benign-cluster.ts';
import { HANDS_ON_TWINS } from './benign-hands-on.ts';
import { MORE_BENIGN } from './benign-more.ts';
import { POD_TWINS } from './benign-pods.ts';
import { TOOL_TWINS } from './benign-tools.ts';
import { TWINS } from './benign-twins.ts';
import { type Json, shellEvents } from './shell-events.ts';

const MEDIUM = LEVELS.indexOf('medium');

function alertsOf(events: readonly Json[]): Alert[] {
  const engine = new Engine({ rules: shippedRuleSet() });
  const alerts: Alert[] = [];
  for (const event of events) {
    for (const change of engine.step(decodeLine(JSON.stringify(event))).changes)
      if (change.type === 'new') alerts.push(change.alert);
  }
  return alerts.filter(alert => LEVELS.indexOf(alert.rule.level) >= MEDIUM);
}

const named = (alerts: readonly Alert[], techniques: readonly string[]): boolean =>
  alerts.some(alert => techniques.some(technique => alert.rule.tags.includes(`attack.${technique.toLowerCase()}`)));

describe('attacks by any tool', () => {
  it.each(
    [
      ...ATTACKS,
      ...MORE_ATTACKS,
      ...RENAMED_ATTACKS,
      ...LINUX_ATTACKS,
      ...COMPOUND_ATTACKS,
      ...BLIND_ATTACKS,
      ...CAMPAIGN_ATTACKS,
      ...HANDS_ON_ATTACKS,
      ...POD_ATTACKS,
      ...CLUSTER_ATTACKS,
      ...TOOL_ATTACKS,
    ].map(attack => ({
      ...attack,
      label: `${attack.entry}: ${attack.command}`,
    })),
  )('$label', attack => {
    const alerts = alertsOf(shellEvents(attack.command, { entry: attack.entry }));
    expect(alerts.map(alert => `${alert.rule.level} ${alert.rule.title}`)).not.toEqual([]);
    expect({ named: named(alerts, attack.techniques), by: alerts.map(alert => alert.rule.title) }).toMatchObject({
      named: true,
    });
  });
});

describe('ordinary life', () => {
  it.each(
    [
      ...BENIGN,
      ...MORE_BENIGN,
      ...AUTOMATION,
      ...NODE_AGENTS,
      ...TWINS,
      ...CAMPAIGN_TWINS,
      ...HANDS_ON_TWINS,
      ...POD_TWINS,
      ...CLUSTER_TWINS,
      ...TOOL_TWINS,
    ].map(one => ({
      ...one,
      label: `${one.setting.entry} in ${one.setting.pod ?? 'a pod'}: ${one.command}`,
    })),
  )('$label', ({ command, setting }) => {
    const alerts = alertsOf(shellEvents(command, setting));
    expect(alerts.map(alert => `${alert.rule.level} ${alert.rule.title}: ${alert.message}`)).toEqual([]);
  });
});
