/** Every bound of the core in one place, with its unit last. At a limit the oldest or least useful is evicted and counted. */
export const LIMITS = {
  lineBytesMax: 16 * 1024 * 1024,
  reorderEventsMax: 500_000,
  latenessMsDefault: 2_000,
  /** An event of a live source may be so far ahead of the clock of the machine that receives it. */
  aheadMsMax: 5 * 60_000,
  podsMax: 100_000,
  containersMax: 100_000,
  processesMax: 1_000_000,
  processesPerPodMax: 50_000,
  exitedPerPodMax: 5_000,
  ancestryDepthMax: 64,
  connectionsMax: 500_000,
  connectionsPerPodMax: 50_000,
  connectionsPerProcessMax: 1_000,
  dnsNamesPerPodMax: 10_000,
  mapEdgesMax: 50_000,
  mapEdgesPerNamespaceMax: 20_000,
  mapEdgesPerNodeMax: 1_000,
  /** Outside addresses without a name that one workload's edges tell apart. */
  mapAddressesPerNodeMax: 256,
  mapPodsPerNodeMax: 32,
  mapProcessesPerEdgeMax: 8,
  partialsPerRuleMax: 100_000,
  partialsPerPodMax: 1_000,
  sequenceStagesMax: 200,
  countedPerPodMax: 16_000,
  correlatedPerPodMax: 65_536,
  correlatedPerRuleMax: 1_000_000,
  evidencePerAlertMax: 64,
  /** Incidents that can still grow. */
  incidentsMax: 10_000,
  /** A full incident takes no new alerts: a new one opens that continues it. */
  alertsPerIncidentMax: 5_000,
  incidentAgeSecondsMax: 7 * 24 * 3_600,
  podsPerIncidentMax: 256,
  treesPerIncidentMax: 4_096,
  /** Of each: pods, rules and tags that an incident names. */
  textsPerIncidentMax: 128,
  contextTreesMax: 10_000,
  contextAlertsPerTreeMax: 16,
  gapsPerAlertMax: 16,
  /** Recent alerts that a report of lost events may still make incomplete, and how often it may. */
  amendableAlertsMax: 20_000,
  amendmentsPerAlertMax: 16,
  quarantineLineBytesMax: 1_024,
  quarantineBytesMax: 16 * 1024 * 1024,
} as const;
