/** Sigma's field names for Linux, read without `taxonomy: spoor`. */

const NAMES: Readonly<Record<string, string>> = {
  Image: 'process.binary',
  OriginalFileName: 'process.name',
  CommandLine: 'process.command_line',
  CurrentDirectory: 'process.cwd',
  User: 'process.user_or_uid',
  LogonId: 'process.auid',
  ProcessId: 'process.pid',
  ProcessGuid: 'process.exec_id',
  ParentImage: 'parent.binary',
  ParentCommandLine: 'parent.command_line',
  ParentProcessId: 'parent.pid',
  ParentProcessGuid: 'parent.exec_id',
  ParentUser: 'parent.user_or_uid',
  ParentCurrentDirectory: 'parent.cwd',
  ParentLogonId: 'parent.auid',
  UtcTime: 'event.time',
  Computer: 'node.name',
  ComputerName: 'node.name',
  Hostname: 'node.name',
  TargetFilename: 'file.path',
  DestinationIp: 'network.destination.ip',
  DestinationPort: 'network.destination.port',
  DestinationHostname: 'network.destination.names',
  SourceIp: 'network.source.ip',
  SourcePort: 'network.source.port',
  SourceHostname: 'network.source.names',
  Protocol: 'network.protocol',
  Initiated: 'network.initiated',
  query: 'dns.query',
  QueryName: 'dns.query',
  record_type: 'dns.qtypes',
  answer: 'dns.answers',
  answers: 'dns.answers',
};

/** Catalogue name of one of Sigma's, or null. */
export const sigmaField = (name: string): string | null => (Object.hasOwn(NAMES, name) ? (NAMES[name] ?? null) : null);

const USER = 'User: the uid as text, and root for 0, where the sensor reports no names';
const APPROXIMATE: Readonly<Record<string, string>> = {
  User: USER,
  ParentUser: USER,
  OriginalFileName: 'OriginalFileName, which programs for Linux do not carry: the name under which it runs',
};

/** What is read instead of a name that has no counterpart, or null. */
export const sigmaApproximation = (name: string): string | null =>
  Object.hasOwn(APPROXIMATE, name) ? (APPROXIMATE[name] ?? null) : null;

export const SIGMA_NAMES: readonly string[] = Object.keys(NAMES);
