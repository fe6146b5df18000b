/**
 * Scratch replays: what people send or try is kept in a folder that lives no longer than this program, and is played in helpers.
 * Nothing of it touches live state.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../api/problem.ts';
import type { ReplayOwner, ReplaysPort, ReplayView, TryInput } from '../../api/replays.ts';
import { makeFolder } from '../../disk/folder.ts';
import type { RuleChoice } from '../../rule-files.ts';
import type { Log } from '../log.ts';
import { REPLAY_LIMITS, type ReplayLimits } from './limits.ts';
import type { ReplayInput, ReplayOrder, ReplayRules } from './order.ts';
import { recordingFiles, shippedRecordings } from './recordings.ts';
import { Replay } from './replay.ts';

export interface ReplaysOptions {
  /** Made and emptied at the start, removed at the end. */
  readonly folder: string;
  /** Database whose recorder rules are tried on; null where nothing is recorded. */
  readonly recorded: string | null;
  readonly rules: RuleChoice;
  readonly alerting: ReplayOrder['alerting'];
  readonly log: Log;
  readonly limits?: Partial<ReplayLimits>;
}

const SWEEP_EVERY_MS = 5_000;

export class Replays implements ReplaysPort {
  readonly #options: ReplaysOptions;
  readonly #limits: ReplayLimits;
  readonly #replays = new Map<string, Replay>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: ReplaysOptions) {
    this.#options = options;
    this.#limits = { ...REPLAY_LIMITS, ...options.limits };
    // What a run that was killed left behind.
    rmSync(options.folder, { recursive: true, force: true });
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
    this.#sweeper.unref();
  }

  recordings(): readonly string[] {
    return shippedRecordings();
  }

  list(owner: ReplayOwner): readonly ReplayView[] {
    return [...this.#replays.values()].filter(replay => replay.isOf(owner)).map(replay => replay.view());
  }

  get(id: string, owner: ReplayOwner): ReplayView {
    return this.#find(id, owner).view();
  }

  async create(owner: ReplayOwner): Promise<ReplayView> {
    return (await this.#add(owner, 'upload')).view();
  }

  async append(
    id: string,
    owner: ReplayOwner,
    name: string,
    offset: number | null,
    body: AsyncIterable<Uint8Array>,
  ): Promise<ReplayView> {
    const replay = this.#find(id, owner);
    const others = [...this.#replays.values()].reduce((sum, each) => sum + (each === replay ? 0 : each.bytes), 0);
    await replay.append(name, offset, body, this.#limits.storedBytesMax - others);
    return replay.view();
  }

  start(id: string, owner: ReplayOwner): ReplayView {
    const replay = this.#find(id, owner);
    const files = replay.take();
    this.#enqueue(replay, { type: 'files', files }, { type: 'chosen', choice: this.#options.rules });
    return replay.view();
  }

  async playShipped(owner: ReplayOwner, recording: string): Promise<ReplayView> {
    const files = recordingFiles(recording);
    const replay = await this.#add(owner, 'upload');
    replay.describe(recording);
    this.#enqueue(replay, { type: 'files', files }, { type: 'chosen', choice: this.#options.rules });
    return replay.view();
  }

  async try(owner: ReplayOwner, text: string, wanted: TryInput): Promise<ReplayView> {
    const input = this.#inputOf(wanted, owner);
    const replay = await this.#add(owner, 'try');
    replay.describe(wordsOf(wanted));
    this.#enqueue(replay, input, { type: 'text', text, choice: this.#options.rules });
    return replay.view();
  }

  async finished(id: string, owner: ReplayOwner, msMax: number): Promise<ReplayView> {
    const replay = this.#find(id, owner);
    await replay.untilOver(msMax);
    return replay.view();
  }

  async ask(id: string, owner: ReplayOwner, route: string, params: unknown, query: unknown): Promise<string> {
    return this.#find(id, owner).ask(route, params, query);
  }

  follow(id: string, owner: ReplayOwner, changed: (view: ReplayView | null) => void): () => void {
    return this.#find(id, owner).follow(changed);
  }

  async delete(id: string, owner: ReplayOwner): Promise<void> {
    await this.#remove(this.#find(id, owner));
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#replays.values()].map(replay => this.#remove(replay)));
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  #find(id: string, owner: ReplayOwner): Replay {
    const replay = this.#replays.get(id);
    if (replay?.isOf(owner) !== true)
      throw new Problem(404, 'not-found', 'this replay does not exist: it was deleted, or its time was over');
    return replay;
  }

  #inputOf(wanted: TryInput, owner: ReplayOwner): ReplayInput {
    switch (wanted.type) {
      case 'replay': {
        const files = this.#find(wanted.id, owner).played();
        return { type: 'files', files };
      }
      case 'recording':
        return { type: 'files', files: recordingFiles(wanted.name) };
      case 'recorder':
        if (this.#options.recorded !== null)
          return { type: 'recorder', database: this.#options.recorded, minutes: wanted.minutes };
        throw new Problem(
          409,
          'nothing-recorded',
          'nothing is recorded: `recorder.keep` is 0 or the store is in memory; try it on a recording or a replay',
        );
    }
  }

  /** Makes room among the owner's own, as far as that goes. */
  async #add(owner: ReplayOwner, kind: Replay['kind']): Promise<Replay> {
    const own = [...this.#replays.values()].filter(replay => replay.ownerId === owner.id && replay.kind === kind);
    const keptMax = kind === 'try' ? this.#limits.triesPerOwnerMax : this.#limits.uploadsPerOwnerMax;
    if (own.length >= keptMax) {
      const oldest = own.find(replay => replay.isOver);
      if (oldest === undefined)
        throw new Problem(
          429,
          'too-many-replays',
          `${own.length} replays of yours are under way: wait for one to end, or delete one (DELETE /api/v1/replays/ID)`,
          { headers: { 'retry-after': '10' } },
        );
      await this.#remove(oldest);
    }
    if (this.#replays.size >= this.#limits.keptMax)
      throw new Problem(
        429,
        'too-many-replays',
        `${this.#replays.size} replays are kept, which is all there is room for: delete one (DELETE /api/v1/replays/ID), or wait until one is`,
        { headers: { 'retry-after': '60' } },
      );
    const id = randomBytes(12).toString('hex');
    const folder = join(this.#options.folder, id);
    makeFolder(folder, 0o700);
    const replay = new Replay({ id, kind, owner, folder, limits: this.#limits });
    this.#replays.set(id, replay);
    return replay;
  }

  #enqueue(replay: Replay, input: ReplayInput, rules: ReplayRules): void {
    const { alerting } = this.#options;
    replay.enqueue({ input, rules, alerting, folder: replay.folder, limits: this.#limits });
    this.#next();
  }

  /** Starts who waits, in order, while there is room. */
  #next(): void {
    const all = [...this.#replays.values()];
    let running = all.filter(({ state }) => state === 'playing').length;
    for (const replay of all) {
      if (running >= this.#limits.playingMax) return;
      if (replay.state !== 'waiting') continue;
      running += 1;
      void replay.play().finally(() => {
        const { id, kind, state, error } = replay.view();
        this.#options.log('info', 'a replay ended', { replay: id, kind, state, error });
        this.#next();
      });
    }
  }

  #sweep(): void {
    for (const replay of this.#replays.values()) {
      if (!replay.isExpired(Date.now())) continue;
      this.#options.log('info', 'a replay is deleted: its time is over', { replay: replay.id });
      void this.#remove(replay);
    }
  }

  async #remove(replay: Replay): Promise<void> {
    if (!this.#replays.delete(replay.id)) return;
    await replay.end();
    await rm(replay.folder, { recursive: true, force: true });
    this.#next();
  }
}

function wordsOf(input: TryInput): string {
  if (input.type === 'recorder') return `the last ${input.minutes} min of what is recorded`;
  return input.type === 'replay' ? `replay ${input.id}` : `the recording ${input.name}`;
}
