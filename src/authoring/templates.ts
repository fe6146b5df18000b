/** Rules to begin with: each loads without a complaint and passes its own tests. */
import type { Identity } from './scaffold.ts';

interface Template {
  readonly description: string;
  /** Everything after the metadata. */
  readonly body: string;
  readonly title: string;
  readonly tags: string;
}

const TEMPLATES: Readonly<Record<string, Template>> = {
  process: {
    description: 'one program started in a suspicious way',
    title: 'Program that should not run in a pod',
    tags: 'attack.execution, attack.t1059',
    body: `message: '{process.command_line} ({process.pid}) runs in {pod.namespace}/{pod.name}'
logsource: { category: process_creation }
detection:
  tool: { process.name: [nmap, masscan, 'zmap*'] }
  place: { pod.name|exists: true }
  condition: tool and place
tests:
  - name: fires on nmap in a pod
    events:
      - exec: { binary: /usr/bin/nmap, arguments: -sS 10.0.0.0/24, pod: shop/cart }
    expect: { alerts: 1 }
  - name: quiet on the host
    events:
      - exec: { binary: /usr/bin/nmap, arguments: -sS 10.0.0.0/24 }
    expect: { alerts: 0 }
`,
  },
  connection: {
    description: 'a program that connects where it should not',
    title: 'Shell tool connects to the outside',
    tags: 'attack.command_and_control, attack.t1071',
    body: `message: '{process.command_line} ({process.pid}) connects to {network.destination.ip}:{network.destination.port}'
logsource: { category: network_connection }
detection:
  tool: { process.name: [curl, wget] }
  outside: { network.destination.kind: world }
  usual: { network.destination.port: [80, 443] }
  condition: tool and outside and not usual
tests:
  - name: fires on a strange port
    events:
      - flow: { p: A, binary: /usr/bin/curl, arguments: 'http://203.0.113.9:4444/x', pod: shop/cart, to: '203.0.113.9:4444' }
    expect: { alerts: 1, attribution: socket }
  - name: quiet on https
    events:
      - flow: { p: A, binary: /usr/bin/curl, arguments: 'https://203.0.113.9/x', pod: shop/cart, to: '203.0.113.9:443' }
    expect: { alerts: 0 }
`,
  },
  sequence: {
    description: 'events that mean something only in this order',
    title: 'Downloaded, made executable, run',
    tags: 'attack.command_and_control, attack.t1105',
    body: `message: '{run.process.command_line} ({run.process.pid}) was downloaded a moment before'
logsource: { category: process_creation }
sequence:
  by: pod
  within: 5m
  steps:
    - id: fetch
      detection:
        tool: { process.name: [curl, wget] }
        condition: tool
    - id: allow
      detection:
        tool: { process.name: chmod, process.arguments|contains: [+x, '755', '777'] }
        condition: tool
    - id: run
      detection:
        place: { process.binary|startswith: [/tmp/, /dev/shm/] }
        condition: place
tests:
  - name: fires on the three in order
    events:
      - exec: { binary: /usr/bin/curl, arguments: '-o /tmp/x https://203.0.113.9/x', pod: shop/cart }
      - exec: { at: 1s, binary: /bin/chmod, arguments: +x /tmp/x, pod: shop/cart }
      - exec: { at: 2s, binary: /tmp/x, pod: shop/cart }
    expect: { alerts: 1 }
  - name: quiet when nothing is run
    events:
      - exec: { binary: /usr/bin/curl, arguments: '-o /tmp/x https://203.0.113.9/x', pod: shop/cart }
      - exec: { at: 1s, binary: /bin/chmod, arguments: +x /tmp/x, pod: shop/cart }
    expect: { alerts: 0 }
`,
  },
  count: {
    description: 'many of the same within a window',
    title: 'Many programs of discovery in one pod',
    tags: 'attack.discovery, attack.t1082',
    body: `message: 'three and more programs of discovery within a minute in {pod.namespace}/{pod.name}'
logsource: { category: process_creation }
detection:
  tool: { process.name: [id, whoami, uname, hostname, ps, ifconfig, ip, mount, env] }
  place: { pod.name|exists: true }
  condition: tool and place
count: { gte: 3, distinct: process.name, by: [pod.uid], within: 1m }
tests:
  - name: fires on three
    events:
      - exec: { binary: /usr/bin/id, pod: shop/cart }
      - exec: { at: 1s, binary: /usr/bin/uname, pod: shop/cart }
      - exec: { at: 2s, binary: /bin/ps, pod: shop/cart }
    expect: { alerts: 1 }
  - name: quiet on one of them three times
    events:
      - exec: { binary: /usr/bin/id, pod: shop/cart }
      - exec: { at: 1s, binary: /usr/bin/id, pod: shop/cart }
      - exec: { at: 2s, binary: /usr/bin/id, pod: shop/cart }
    expect: { alerts: 0 }
`,
  },
  first_seen: {
    description: 'something that was never seen before of this workload',
    title: 'Network tool that the workload never ran before',
    tags: 'attack.execution, attack.t1059',
    body: `message: '{process.binary} ({process.pid}) never ran in {pod.workload} before'
logsource: { category: process_creation }
detection:
  tool: { process.name: [curl, wget, nc, ncat, ssh, socat] }
  place: { pod.workload|exists: true }
  condition: tool and place
first_seen: { fields: [process.binary], by: [pod.namespace, pod.workload], learn: 1h }
tests:
  - name: fires on a new program after learning
    events:
      - exec: { binary: /usr/bin/curl, pod: shop/cart }
      - exec: { at: 2h, binary: /usr/bin/nc, pod: shop/cart }
    expect: { alerts: 1 }
  - name: quiet on one that it knows
    events:
      - exec: { binary: /usr/bin/curl, pod: shop/cart }
      - exec: { at: 2h, binary: /usr/bin/curl, pod: shop/cart }
    expect: { alerts: 0 }
`,
  },
  file: {
    description: 'a file that is read or written by the wrong program',
    title: 'Key file read by a tool',
    tags: 'attack.credential_access, attack.t1552.004',
    body: `message: '{process.command_line} ({process.pid}) reads {file.path}'
logsource: { category: file_access }
detection:
  key: { file.path|endswith: [/id_rsa, /id_ed25519, .pem] }
  read: { file.access: [read, open] }
  ssh: { process.name: [ssh, sshd, ssh-agent] }
  condition: key and read and not ssh
tests:
  - name: fires on cat
    events:
      - file: { p: A, binary: /bin/cat, arguments: /root/.ssh/id_rsa, pod: shop/cart, path: /root/.ssh/id_rsa, access: read }
    expect: { alerts: 1 }
  - name: quiet on ssh
    events:
      - file: { p: A, binary: /usr/bin/ssh, arguments: git@host, pod: shop/cart, path: /root/.ssh/id_rsa, access: read }
    expect: { alerts: 0 }
`,
  },
  dns: {
    description: 'a name that is looked up',
    title: 'Tunnel service looked up',
    tags: 'attack.command_and_control, attack.t1572',
    body: `message: '{pod.namespace}/{pod.name} looks up {dns.query}'
logsource: { category: dns }
detection:
  name: { dns.query|endswith: [.ngrok.io, .ngrok-free.app, .trycloudflare.com] }
  condition: name
tests:
  - name: fires on a tunnel's name
    events:
      - dns: { p: A, binary: /tmp/agent, pod: shop/cart, query: tunnel.ngrok.io, answers: [203.0.113.7] }
    expect: { alerts: 1 }
  - name: quiet on another name
    events:
      - dns: { p: A, binary: /tmp/agent, pod: shop/cart, query: ngrok.example.com, answers: [203.0.113.7] }
    expect: { alerts: 0 }
`,
  },
};

export const TEMPLATE_NAMES: readonly string[] = Object.keys(TEMPLATES);

/** `process: one program …`, a line each. */
export const templateList = (): string =>
  Object.entries(TEMPLATES)
    .map(([name, { description }]) => `  ${name.padEnd(12)}${description}`)
    .join('\n');

/** What it finds; '' when there is no such template. */
export const templateDescription = (name: string): string =>
  Object.hasOwn(TEMPLATES, name) ? (TEMPLATES[name]?.description ?? '') : '';

/** The text of a rule file, or null when there is no such template. */
export function fromTemplate(name: string, { id, date, author }: Identity): string | null {
  const template = Object.hasOwn(TEMPLATES, name) ? TEMPLATES[name] : undefined;
  if (template === undefined) return null;
  return `title: ${template.title}
id: ${id}
status: experimental
level: medium
taxonomy: spoor
description: Say here what it means when this fires.
author: ${JSON.stringify(author)}
date: ${date}
tags: [${template.tags}]
falsepositives: ['Name here who does this rightly.']
runbook: Say here what to look at first.
${template.body}`;
}
