/** A narrow exception from what one event was, in the shape of a rule's `exceptions`. */
import type { Observation } from '../model/observation.ts';
import { findField } from '../rules/catalogue/catalogue.ts';
import { isVolatile, literal, temporaryDirectory } from './words.ts';

export interface ExceptionEntry {
  readonly name: string;
  readonly fields: readonly string[];
  readonly comps: readonly string[];
  /** One row. */
  readonly values: readonly [readonly (string | number)[]];
}

type Cell = readonly [field: string, comp: string, value: string | number];

/** Everything that an observation of this workload, program and target has in common with the next of its kind. */
export function exceptionFor(o: Observation, name: string): ExceptionEntry | null {
  const cells = [...placeOf(o), ...programOf(o), ...targetOf(o)];
  // The place alone would silence the rule for a whole workload.
  if (cells.length === 0 || cells.length === placeOf(o).length) return null;
  return {
    name,
    fields: cells.map(([field]) => field),
    comps: cells.map(([, comp]) => comp),
    values: [cells.map(([, , value]) => value)],
  };
}

const text = (o: Observation, name: string): string => {
  const value = findField(name)?.get(o, o.process) ?? null;
  return typeof value === 'string' ? value : '';
};

function placeOf(o: Observation): Cell[] {
  if (o.pod === null) return [];
  const { namespace, workload, name, container } = o.pod;
  return [
    ['pod.namespace', '=', literal(namespace)],
    // A pod's own name is one run's.
    workload === '' ? ['pod.name', '=', literal(name)] : ['pod.workload', '=', literal(workload)],
    ...(container === null || container.name === ''
      ? []
      : [['container.name', '=', literal(container.name)] satisfies Cell]),
  ];
}

function programOf(o: Observation): Cell[] {
  if (o.process === null || o.attribution === 'pod') return [];
  const { binary, arguments: args } = o.process.facts;
  const directory = temporaryDirectory(binary);
  const parent = text(o, 'parent.binary');
  return [
    directory !== null && isVolatile(binary)
      ? ['process.binary', 'startswith', literal(directory)]
      : ['process.binary', '=', literal(binary)],
    isVolatile(args) ? ['process.arguments', 'glob', pattern(args)] : ['process.arguments', '=', literal(args)],
    ...(parent === '' || isVolatile(parent) ? [] : [['parent.binary', '=', literal(parent)] satisfies Cell]),
  ];
}

/** What differs from run to run becomes `*`: `-o /tmp/tmp.aB3xK9 run` → `-o * run`. */
function pattern(args: string): string {
  const words = args.split(/(\s+)/).map(word => (isVolatile(word) ? '*' : literal(word)));
  return words.join('').replace(/\*(\s*\*)+/g, '*');
}

function targetOf(o: Observation): Cell[] {
  const { event } = o;
  if (event.kind === 'flow' && event.dns !== null) return [['dns.query', '=', literal(event.dns.query)]];
  const path = text(o, 'file.path');
  if (path !== '') {
    const directory = path.slice(0, path.lastIndexOf('/') + 1);
    return isVolatile(path) && !isVolatile(directory) && directory !== '/'
      ? [['file.path', 'startswith', literal(directory)]]
      : [['file.path', '=', literal(path)]];
  }
  const server = o.server ?? o.connection?.server ?? null;
  if (server === null) return event.kind === 'process_exec' ? [] : hookOf(o);
  const name = server.names[0];
  const workload = server.endpoint?.workloads[0]?.name ?? '';
  const http = text(o, 'http.path');
  return [
    name !== undefined
      ? ['network.destination.names', '=', literal(name)]
      : workload !== ''
        ? ['network.destination.workload', '=', literal(workload)]
        : ['network.destination.ip', '=', server.ip],
    ...(server.port === 0 ? [] : [['network.destination.port', '=', server.port] satisfies Cell]),
    ...(http === '' || isVolatile(http) ? [] : [['http.path', '=', literal(http)] satisfies Cell]),
  ];
}

function hookOf(o: Observation): Cell[] {
  const called = text(o, 'kprobe.function');
  return called === '' ? [] : [['kprobe.function', '=', literal(called)]];
}
