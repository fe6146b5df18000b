/** Every bound of the core in one place, with its unit last. At a limit the oldest or least useful is evicted and counted. */
export const LIMITS = {
  lineBytesMax: 16 * 1024 * 1024,
  reorderEventsMax: 500_000,
  latenessMsDefault: 2_000,
  processesMax: 1_000_000,
  processesPerPodMax: 50_000,
  exitedPerPodMax: 5_000,
  ancestryDepthMax: 64,
  connectionsMax: 500_000,
  connectionsPerPodMax: 50_000,
  connectionsPerProcessMax: 1_000,
  dnsNamesPerPodMax: 10_000,
  partialsPerRuleMax: 100_000,
  partialsPerPodMax: 1_000,
  evidencePerAlertMax: 64,
  quarantineLineBytesMax: 1_024,
  quarantineBytesMax: 16 * 1024 * 1024,
} as const;
