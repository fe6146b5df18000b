/** Processes of a rule's test, by their label, with everything that the author left out. */
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { Given } from './given.ts';
import { type Json, type Place, type Places, podBlock, TEST_EPOCH } from './places.ts';

const DEFAULT_NODE = 'node-1';
const FIRST_PID = 4_711;
/** A node has been up for some time when a test begins. */
const UPTIME: Micros = 100_000 * MICROS_PER_SECOND;

export interface Actor {
  readonly execId: string;
  readonly pid: number;
  readonly place: Place;
  readonly node: string;
  readonly parent: Actor | null;
  /** The process block as Tetragon exports it. */
  readonly block: Json;
}

export interface Role {
  readonly label: string | null;
  readonly time: Micros;
  readonly parent: Actor | null;
  /** The image of the same pid that it replaces by exec. */
  readonly replaces: Actor | null;
  /** Where the event does not say. */
  readonly binary: string;
}

export class Actors {
  readonly #byLabel = new Map<string, Actor>();
  readonly #places: Places;
  #pid = FIRST_PID;

  constructor(places: Places) {
    this.#places = places;
  }

  labelled(label: string): Actor | null {
    return this.#byLabel.get(label) ?? null;
  }

  get labels(): readonly string[] {
    return [...this.#byLabel.keys()];
  }

  /** A new process, of which `given` may say anything that Tetragon reports. */
  enter(role: Role, given: Given): Actor {
    const { label, time, replaces } = role;
    const parent = replaces ?? role.parent;
    const place = this.#places.of(given, parent?.place ?? null);
    const node = given.text('node') ?? parent?.node ?? DEFAULT_NODE;
    const pid = given.number('pid') ?? replaces?.pid ?? this.#pid++;
    const user = given.text('user');
    const execId = execIdOf(node, time, pid);
    const block = {
      exec_id: execId,
      pid,
      uid: given.number('uid') ?? 0,
      cwd: given.text('cwd') ?? '/',
      binary: given.text('binary') ?? role.binary,
      arguments: given.text('arguments') ?? '',
      flags: given.text('flags') ?? (replaces === null ? 'execve clone' : 'execve'),
      start_time: formatInstant(time),
      auid: given.number('auid') ?? 4_294_967_295,
      ...podBlock(place),
      parent_exec_id: parent?.execId ?? execIdOf(node, TEST_EPOCH - UPTIME, 1),
      tid: pid,
      ...(user === null ? {} : { user: { name: user } }),
      in_init_tree: given.flag('in_init_tree') ?? place.pod !== null,
      ...given.object('process'),
    };
    const actor = { execId, pid, place, node, parent, block };
    if (label !== null) this.#byLabel.set(label, actor);
    return actor;
  }
}

/** As Tetragon makes it: node, nanoseconds since boot, pid. */
function execIdOf(node: string, time: Micros, pid: number): string {
  return btoa(`${node}:${time - TEST_EPOCH + UPTIME}000:${pid}`);
}
