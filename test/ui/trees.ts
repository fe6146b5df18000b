/** Trees as the API answers them, made by hand. */
import type { ConnectionView, TreeProcess, TreeView } from '../../src/api/contract.ts';

export const at = (second: number): string => new Date(1_767_225_600_000 + second * 1_000).toISOString();

export function process(id: string, depth: number, options: Partial<TreeProcess> = {}): TreeProcess {
  return {
    exec_id: id,
    parent_exec_id: null,
    depth,
    known: 'live',
    pid: 100,
    binary: `/usr/bin/${id}`,
    arguments: '',
    uid: 0,
    cwd: '/',
    start_time: at(0),
    exit_time: null,
    exit_signal: '',
    exit_status: null,
    replaces: null,
    replaced_by: null,
    node: 'node-1',
    pod: 'shop/cart-0',
    container: { id: 'c1', name: 'cart', image: 'cart:1', start_time: at(0) },
    alerts: [],
    connections: [],
    ...options,
  };
}

export const onHost = (id: string, depth: number): TreeProcess => process(id, depth, { pod: null, container: null });

type Endpoint = ConnectionView['source'];

export const end = (ip: string, port: number, options: Partial<Endpoint> = {}): Endpoint => ({
  ip,
  port,
  pod: null,
  names: [],
  kind: 'world',
  ...options,
});

let ports = 40_000;

export function connection(
  execId: string | null,
  destination: Endpoint,
  options: Partial<ConnectionView> = {},
): ConnectionView {
  const source = end('10.0.0.1', ports++, { pod: 'shop/cart-0', kind: 'pod' });
  return {
    id: `TCP ${source.ip}:${source.port} > ${destination.ip}:${destination.port}`,
    protocol: 'TCP',
    source,
    destination,
    attribution: execId === null ? 'pod' : 'socket',
    exec_id: execId,
    server_exec_id: null,
    verdict: 'FORWARDED',
    flows: 1,
    first_seen: at(1),
    last_seen: at(2),
    closed: false,
    bytes_sent: 0,
    ...options,
  };
}

export const tree = (processes: TreeProcess[], podConnections: ConnectionView[] = []): TreeView => ({
  processes,
  pod_connections: podConnections,
  omitted: 0,
});
