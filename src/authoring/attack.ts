/**
 * Techniques of MITRE ATT&CK (Enterprise) that a sensor of processes and connections on Linux and in containers can speak of:
 * names and tactics, so that a matrix also shows what no rule covers. A sub-technique has the tactics of its technique.
 */

/** In the order of the matrix; as tags write them, with `_`. */
export const TACTICS: readonly string[] = [
  'reconnaissance',
  'resource_development',
  'initial_access',
  'execution',
  'persistence',
  'privilege_escalation',
  'defense_evasion',
  'credential_access',
  'discovery',
  'lateral_movement',
  'collection',
  'command_and_control',
  'exfiltration',
  'impact',
];

export interface Technique {
  /** `T1059`, `T1059.004`. */
  readonly id: string;
  readonly name: string;
  readonly tactics: readonly string[];
}

/** A technique a line: id, name, tactics by their initials; its sub-techniques below it, by the part behind the dot. */
const TABLE = `
T1595 Active Scanning: re
T1190 Exploit Public-Facing Application: ia
T1133 External Remote Services: ia pe
T1195 Supply Chain Compromise: ia
T1199 Trusted Relationship: ia
T1078 Valid Accounts: ia pe pr de
T1059 Command and Scripting Interpreter: ex
 .004 Unix Shell
 .006 Python
 .007 JavaScript
T1203 Exploitation for Client Execution: ex
T1559 Inter-Process Communication: ex
T1106 Native API: ex
T1609 Container Administration Command: ex
T1610 Deploy Container: ex de
T1204 User Execution: ex
T1129 Shared Modules: ex
T1072 Software Deployment Tools: ex lm
T1569 System Services: ex
T1053 Scheduled Task/Job: ex pe pr
 .002 At
 .003 Cron
 .006 Systemd Timers
 .007 Container Orchestration Job
T1098 Account Manipulation: pe pr
 .004 SSH Authorized Keys
 .006 Additional Container Cluster Roles
T1136 Create Account: pe
 .001 Local Account
T1525 Implant Internal Image: pe
T1037 Boot or Logon Initialization Scripts: pe pr
 .004 RC Scripts
T1543 Create or Modify System Process: pe pr
 .002 Systemd Service
 .005 Container Service
T1546 Event Triggered Execution: pe pr
 .004 Unix Shell Configuration Modification
 .016 Installer Packages
 .017 Udev Rules
 .018 Python Startup Hooks
T1547 Boot or Logon Autostart Execution: pe pr
 .006 Kernel Modules and Extensions
T1505 Server Software Component: pe
 .003 Web Shell
T1554 Compromise Host Software Binary: pe
T1556 Modify Authentication Process: ca de pe
 .003 Pluggable Authentication Modules
T1574 Hijack Execution Flow: pe pr de
 .006 Dynamic Linker Hijacking
T1205 Traffic Signaling: de pe cc
T1055 Process Injection: de pr
 .008 Ptrace System Calls
 .009 Proc Memory
T1068 Exploitation for Privilege Escalation: pr
T1548 Abuse Elevation Control Mechanism: pr de
 .001 Setuid and Setgid
 .003 Sudo and Sudo Caching
T1611 Escape to Host: pr
T1612 Build Image on Host: de
T1006 Direct Volume Access: de
T1014 Rootkit: de
T1027 Obfuscated Files or Information: de
 .002 Software Packing
 .004 Compile After Delivery
 .011 Fileless Storage
 .013 Encrypted/Encoded File
T1036 Masquerading: de
 .004 Masquerade Task or Service
 .005 Match Legitimate Resource Name or Location
T1070 Indicator Removal: de
 .002 Clear Linux or Mac System Logs
 .003 Clear Command History
 .004 File Deletion
 .006 Timestomp
T1140 Deobfuscate/Decode Files or Information: de
T1211 Exploitation for Defense Evasion: de
T1218 System Binary Proxy Execution: de
T1222 File and Directory Permissions Modification: de
 .002 Linux and Mac Permissions Modification
T1480 Execution Guardrails: de
T1497 Virtualization/Sandbox Evasion: de di
T1550 Use Alternate Authentication Material: de lm
T1553 Subvert Trust Controls: de
 .004 Install Root Certificate
T1562 Impair Defenses: de
 .001 Disable or Modify Tools
 .003 Impair Command History Logging
 .004 Disable or Modify System Firewall
 .006 Indicator Blocking
 .007 Disable or Modify Cloud Firewall
 .008 Disable or Modify Cloud Logs
T1564 Hide Artifacts: de
 .001 Hidden Files and Directories
T1620 Reflective Code Loading: de
T1003 OS Credential Dumping: ca
 .007 Proc Filesystem
 .008 /etc/passwd and /etc/shadow
T1040 Network Sniffing: ca di
T1056 Input Capture: co ca
 .001 Keylogging
T1110 Brute Force: ca
 .001 Password Guessing
 .003 Password Spraying
T1212 Exploitation for Credential Access: ca
T1528 Steal Application Access Token: ca
T1539 Steal Web Session Cookie: ca
T1552 Unsecured Credentials: ca
 .001 Credentials In Files
 .003 Shell History
 .004 Private Keys
 .005 Cloud Instance Metadata API
 .007 Container API
T1555 Credentials from Password Stores: ca
 .003 Credentials from Web Browsers
T1557 Adversary-in-the-Middle: ca co
 .002 ARP Cache Poisoning
T1007 System Service Discovery: di
T1016 System Network Configuration Discovery: di
T1018 Remote System Discovery: di
T1033 System Owner/User Discovery: di
T1046 Network Service Discovery: di
T1049 System Network Connections Discovery: di
T1057 Process Discovery: di
T1069 Permission Groups Discovery: di
 .001 Local Groups
T1082 System Information Discovery: di
T1083 File and Directory Discovery: di
T1087 Account Discovery: di
 .001 Local Account
 .004 Cloud Account
T1135 Network Share Discovery: di
T1201 Password Policy Discovery: di
T1518 Software Discovery: di
 .001 Security Software Discovery
T1526 Cloud Service Discovery: di
T1580 Cloud Infrastructure Discovery: di
T1613 Container and Resource Discovery: di
T1619 Cloud Storage Object Discovery: di
T1021 Remote Services: lm
 .004 SSH
T1210 Exploitation of Remote Services: lm
T1570 Lateral Tool Transfer: lm
T1005 Data from Local System: co
T1039 Data from Network Shared Drive: co
T1074 Data Staged: co
 .001 Local Data Staging
T1119 Automated Collection: co
T1213 Data from Information Repositories: co
T1560 Archive Collected Data: co
 .001 Archive via Utility
T1071 Application Layer Protocol: cc
 .001 Web Protocols
 .004 DNS
T1090 Proxy: cc
 .003 Multi-hop Proxy
T1095 Non-Application Layer Protocol: cc
T1102 Web Service: cc
 .001 Dead Drop Resolver
T1105 Ingress Tool Transfer: cc
T1132 Data Encoding: cc
 .001 Standard Encoding
T1219 Remote Access Tools: cc
T1568 Dynamic Resolution: cc
 .002 Domain Generation Algorithms
T1571 Non-Standard Port: cc
T1572 Protocol Tunneling: cc
T1573 Encrypted Channel: cc
T1020 Automated Exfiltration: xf
T1029 Scheduled Transfer: xf
T1030 Data Transfer Size Limits: xf
T1041 Exfiltration Over C2 Channel: xf
T1048 Exfiltration Over Alternative Protocol: xf
 .003 Exfiltration Over Unencrypted Non-C2 Protocol
T1537 Transfer Data to Cloud Account: xf
T1567 Exfiltration Over Web Service: xf
 .002 Exfiltration to Cloud Storage
 .003 Exfiltration to Text Storage Sites
 .004 Exfiltration Over Webhook
T1485 Data Destruction: im
T1486 Data Encrypted for Impact: im
T1489 Service Stop: im
T1490 Inhibit System Recovery: im
T1491 Defacement: im
 .002 External Defacement
T1496 Resource Hijacking: im
T1498 Network Denial of Service: im
 .001 Direct Network Flood
T1499 Endpoint Denial of Service: im
 .001 OS Exhaustion Flood
T1529 System Shutdown/Reboot: im
T1531 Account Access Removal: im
T1561 Disk Wipe: im
 .001 Disk Content Wipe
T1565 Data Manipulation: im`;

const INITIALS: Readonly<Record<string, string>> = {
  re: 'reconnaissance',
  ia: 'initial_access',
  ex: 'execution',
  pe: 'persistence',
  pr: 'privilege_escalation',
  de: 'defense_evasion',
  ca: 'credential_access',
  di: 'discovery',
  lm: 'lateral_movement',
  co: 'collection',
  cc: 'command_and_control',
  xf: 'exfiltration',
  im: 'impact',
};

/** In the order of the table: a technique, then its sub-techniques. Rules may speak of others. */
export const TECHNIQUES: readonly Technique[] = read(TABLE);

function read(table: string): Technique[] {
  let of: Technique = { id: '', name: '', tactics: [] };
  return table
    .trim()
    .split('\n')
    .map(line => {
      const sub = /^ (\.\d{3}) (.+)$/.exec(line);
      if (sub !== null) return { id: `${of.id}${sub[1]}`, name: sub[2] as string, tactics: of.tactics };
      const [, id = '', name = '', initials = ''] = /^(T\d{4}) (.+): ([a-z ]+)$/.exec(line) ?? [];
      of = { id, name, tactics: initials.split(' ').map(initial => INITIALS[initial] ?? '') };
      return of;
    });
}
