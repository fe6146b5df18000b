/** One scratch replay: what was sent of it, how far it is, and the helper that plays it and answers for it. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../api/problem.ts';
import type { ReplayOwner, ReplayView } from '../../api/replays.ts';
import { Helper, HelperEnded, HelperRefused, HelperTooSlow } from './helper.ts';
import type { ReplayLimits } from './limits.ts';
import type { NamedFile, ReplayCounts, ReplayOrder, ReplayResult } from './order.ts';

interface ReplayOptions {
  readonly id: string;
  readonly kind: ReplayView['kind'];
  readonly owner: ReplayOwner;
  readonly folder: string;
  readonly limits: ReplayLimits;
}

interface Upload {
  readonly name: string;
  readonly path: string;
  bytes: number;
}

/** Past its own limit a helper gets so long to stop by itself. */
const GRACE_MS = 30_000;

export class Replay {
  readonly #options: ReplayOptions;
  readonly #created = Date.now();
  #touched = Date.now();
  state: ReplayView['state'] = 'receiving';
  #input = '';
  #error = '';
  readonly #uploads: Upload[] = [];
  #isReceiving = false;
  #isDeleted = false;
  #order: ReplayOrder | null = null;
  #helper: Helper | null = null;
  #counts: ReplayCounts | null = null;
  #result: ReplayResult | null = null;
  readonly #followers = new Set<(view: ReplayView | null) => void>();

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.id;
  }

  get kind(): ReplayView['kind'] {
    return this.#options.kind;
  }

  get folder(): string {
    return this.#options.folder;
  }

  get ownerId(): string {
    return this.#options.owner.id;
  }

  get isOver(): boolean {
    return this.state === 'done' || this.state === 'failed';
  }

  get bytes(): number {
    return this.#uploads.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  isOf(owner: ReplayOwner): boolean {
    return owner.isAdmin || owner.id === this.ownerId;
  }

  isExpired(nowMs: number): boolean {
    const { keptMsMax, receivingMsMax } = this.#options.limits;
    if (this.state === 'receiving') return !this.#isReceiving && nowMs - this.#touched > receivingMsMax;
    return this.isOver && nowMs - this.#touched > keptMsMax;
  }

  view(): ReplayView {
    const { id, kind, owner, limits } = this.#options;
    const ms = this.state === 'receiving' ? limits.receivingMsMax : limits.keptMsMax;
    return {
      id,
      kind,
      state: this.state,
      input: this.#input || this.#uploads.map(({ name }) => name).join(', '),
      owner: owner.name,
      created: new Date(this.#created).toISOString(),
      expires: new Date(this.#touched + ms).toISOString(),
      files: this.#uploads.map(({ name, bytes }) => ({ name, bytes })),
      counts: this.#counts === null ? null : { ...this.#counts, events: { ...this.#counts.events } },
      result: this.#result === null ? null : (structuredClone(this.#result) as NonNullable<ReplayView['result']>),
      error: this.#error,
    };
  }

  describe(input: string): void {
    this.#input = input;
  }

  /** Throws 409 and 413 problems. What was written of a body that broke off counts: `offset` says where to go on. */
  async append(name: string, offset: number | null, body: AsyncIterable<Uint8Array>, roomBytes: number): Promise<void> {
    const { limits } = this.#options;
    if (this.state !== 'receiving')
      throw new Problem(409, 'replay-started', 'this replay has all its files: begin another for more');
    if (this.#isReceiving)
      throw new Problem(409, 'busy', 'another body of this replay is being received: send one at a time');
    this.#isReceiving = true;
    try {
      const upload = this.#uploadOf(name, offset);
      const file = await open(upload.path, 'a', 0o600);
      try {
        for await (const piece of body) {
          this.#touched = Date.now();
          const room = Math.min(limits.uploadBytesMax, roomBytes) - this.bytes;
          if (piece.length > room) throw tooLarge(limits, room < limits.uploadBytesMax - this.bytes);
          await file.write(piece);
          upload.bytes += piece.length;
        }
      } finally {
        await file.close();
      }
    } finally {
      this.#isReceiving = false;
      this.#touched = Date.now();
      this.#changed();
    }
  }

  /** All files that were sent, at the end of receiving. Throws a 409 problem when there are none. */
  take(): readonly NamedFile[] {
    if (this.state !== 'receiving' || this.#isReceiving)
      throw new Problem(
        409,
        'replay-started',
        'this replay has begun already, or a file of it is still being received',
      );
    if (this.bytes === 0)
      throw new Problem(409, 'no-files', 'no file was sent: add one with POST /api/v1/replays/ID/files?name=NAME');
    return this.#files();
  }

  /** The same, of a replay that is over. */
  played(): readonly NamedFile[] {
    if (this.#uploads.length > 0 && this.isOver) return this.#files();
    throw new Problem(409, 'no-files', 'this replay has no files of its own, or is not over yet');
  }

  enqueue(order: ReplayOrder): void {
    this.#order = order;
    this.#become('waiting');
  }

  /** Resolves when it is over; never rejects. */
  async play(): Promise<void> {
    const { limits } = this.#options;
    this.#become('playing');
    const helper = new Helper({
      module: 'replay-child',
      memoryMbMax: limits.heapMbMax,
      onTell: told => {
        this.#counts = told as ReplayCounts;
        this.#changed();
      },
    });
    this.#helper = helper;
    try {
      this.#result = (await helper.ask('play', this.#order, limits.playMsMax + GRACE_MS)) as ReplayResult;
      this.#touched = Date.now();
      this.#become('done');
    } catch (error) {
      this.#error = adviceFor(error as Error);
      this.#touched = Date.now();
      this.#become('failed');
      await helper.end();
    }
  }

  async ask(route: string, params: unknown, query: unknown): Promise<string> {
    if (this.state !== 'done' || this.#helper === null)
      throw new Problem(
        409,
        'not-done',
        this.#error === '' ? 'this replay is not done yet' : `this replay failed: ${this.#error}`,
      );
    try {
      return (await this.#helper.ask(
        'answer',
        { id: route, params, query },
        this.#options.limits.answerMsMax,
      )) as string;
    } catch (error) {
      if (error instanceof HelperRefused) {
        const { status, code, detail } = error.failure;
        throw new Problem(status, code, detail);
      }
      if (this.#isDeleted) throw new Problem(404, 'not-found', 'this replay was deleted');
      this.#error = adviceFor(error as Error);
      this.#become('failed');
      throw new Problem(503, 'replay-ended', `this replay is gone: ${this.#error}`);
    }
  }

  /** Throws a 503 problem when too many follow. */
  follow(changed: (view: ReplayView | null) => void): () => void {
    if (this.#followers.size >= this.#options.limits.followersMax)
      throw new Problem(503, 'too-many-streams', 'too many follow this replay', { headers: { 'retry-after': '10' } });
    this.#followers.add(changed);
    return () => this.#followers.delete(changed);
  }

  untilOver(msMax: number): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.#followers.delete(look);
        resolve();
      };
      const look = (view: ReplayView | null): void => {
        if (view === null || this.isOver) done();
      };
      const timer = setTimeout(done, msMax);
      this.#followers.add(look);
    });
  }

  async end(): Promise<void> {
    this.#isDeleted = true;
    for (const follower of [...this.#followers]) follower(null);
    this.#followers.clear();
    await this.#helper?.end();
  }

  #files(): readonly NamedFile[] {
    return this.#uploads.map(({ path, name }) => ({ path, name }));
  }

  #uploadOf(name: string, offset: number | null): Upload {
    const { limits, folder } = this.#options;
    const known = this.#uploads.find(upload => upload.name === name);
    if (known !== undefined) {
      if (offset === known.bytes) return known;
      throw new Problem(
        409,
        'wrong-offset',
        `${known.bytes} bytes of this file are here: go on with offset=${known.bytes}`,
      );
    }
    if ((offset ?? 0) !== 0)
      throw new Problem(409, 'wrong-offset', 'nothing of this file is here: begin with offset=0');
    if (this.#uploads.length >= limits.filesMax)
      throw new Problem(413, 'too-many-files', `a replay takes at most ${limits.filesMax} files`);
    // What its owner calls it is never a path of ours.
    const upload = { name, path: join(folder, `upload-${this.#uploads.length}`), bytes: 0 };
    this.#uploads.push(upload);
    return upload;
  }

  #become(state: ReplayView['state']): void {
    this.state = state;
    this.#changed();
  }

  #changed(): void {
    if (this.#followers.size === 0) return;
    const view = this.view();
    for (const follower of [...this.#followers]) follower(view);
  }
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function tooLarge({ uploadBytesMax, storedBytesMax }: ReplayLimits, isShared: boolean): Problem {
  return isShared
    ? new Problem(413, 'too-large', `all replays together may take ${megabytes(storedBytesMax)}: delete one first`)
    : new Problem(
        413,
        'too-large',
        `a replay may take ${megabytes(uploadBytesMax)} as it is sent: compress it with gzip, cut it, or use spoor replay`,
      );
}

function adviceFor(error: Error): string {
  if (error instanceof HelperRefused) return error.message;
  if (error instanceof HelperTooSlow)
    return `it took too long (${error.message}): cut the recording, or use spoor replay`;
  if (error instanceof HelperEnded) return `${error.message}: cut the recording, or use spoor replay`;
  return error.message;
}
