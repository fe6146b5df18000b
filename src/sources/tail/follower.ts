/**
 * One followed path: where it was left, the backups that came since, then the file that is written to, through every rotation.
 * It is asked for the next piece of text and never waits by itself.
 */
import { type Backup, backupsOf, identityOf } from './files.ts';
import type { Position } from './offsets.ts';
import { Text } from './text.ts';

export type Step =
  /** More text of `text`; `begins` when it does not go on from the step before. */
  | { readonly kind: 'text'; readonly text: Text; readonly bytes: Buffer; readonly begins: boolean }
  /** A file has ended; an unfinished last line of it is a line when `whole`, else it comes again from another file. */
  | { readonly kind: 'end'; readonly whole: boolean }
  /** Nothing to read now. */
  | { readonly kind: 'idle' };

const IDLE: Step = { kind: 'idle' };

interface Pending {
  readonly backup: Backup;
  readonly offset: number;
}

export class Follower {
  readonly path: string;
  readonly #live: Backup;
  readonly #onLost: (what: string) => void;
  #backlog: Pending[] = [];
  #text: Text | null = null;
  /** The live file, opened before the backups were listed: a rotation in between cannot hide a file from both. */
  #nextLive: Text | null = null;
  #isLive = false;
  #begins = true;
  /** The path names another file now; the open one is read once more, for a writer that had not closed it yet. */
  #leaving = false;
  /** Where to read on, when that is not the beginning of the live file. */
  #resume: Position | null;
  /** Where the last whole line of the open text ended; null before any. */
  #linesEnd: Position | null = null;

  /**
   * Goes to where `position` was, in whatever file it lies now; to the beginning when nothing is remembered. `onLost` is told
   * of text that is gone: damaged, or rotated away before it was read to its end.
   */
  constructor(path: string, position: Position | null, onLost: (what: string) => void) {
    this.path = path;
    this.#resume = position;
    this.#live = { path, compressed: false };
    this.#onLost = onLost;
  }

  async #start(position: Position): Promise<void> {
    const live = await this.#openAt(this.#live, position);
    if (live !== null) return this.#use(live, true, position.offset);
    const found = await this.#plan(() => this.#backlogFrom(position));
    if (found) return;
    this.#onLost(`${position.path}: rotated away before it was read to its end`);
    // The oldest go first, so that what is still there came after it.
    await this.#plan(async () => (await backupsOf(this.path)).map(backup => ({ backup, offset: 0 })));
  }

  /** Throws an Error when the live file cannot be read; called again, it goes on behind the last whole line. */
  async next(): Promise<Step> {
    if (this.#resume !== null) await this.#start(this.#resume);
    this.#resume = null;
    if (this.#text === null && !(await this.#openNext())) return IDLE;
    const text = this.#text as Text;
    const read = await this.#read(text);
    if (typeof read === 'object') {
      const begins = this.#begins;
      this.#begins = false;
      this.#leaving = false;
      return { kind: 'text', text, bytes: read, begins };
    }
    if (read === 'changed') return this.#truncated();
    if (!this.#isLive) {
      await this.#leave();
      return { kind: 'end', whole: true };
    }
    const now = await identityOf(this.path);
    if (now === null) return IDLE;
    if (now.inode === text.inode) return now.size < text.offset ? this.#truncated() : IDLE;
    if (!this.#leaving) {
      this.#leaving = true;
      return IDLE;
    }
    await this.#plan(() => this.#newerThan(text));
    await this.#leave();
    return { kind: 'end', whole: true };
  }

  async #read(text: Text): Promise<Awaited<ReturnType<Text['read']>>> {
    try {
      return await text.read();
    } catch (error) {
      // A backup does not keep the rest back; the live file is opened anew, as a stale handle must be.
      if (!this.#isLive) {
        this.#onLost(`${text.path}: ${(error as Error).message}`);
        return 'end';
      }
      this.#resume = this.#linesEnd;
      await this.#leave();
      throw error;
    }
  }

  /** The reader found that whole lines reach up to `offset` in the piece of `pieceBytes` that it was given last. */
  tookLines(text: Text, offset: number, pieceBytes: number): void {
    if (offset > text.offset - pieceBytes) this.#linesEnd = text.position(offset);
  }

  /** No file is open: the live one is not there. */
  get isMissing(): boolean {
    return this.#text === null;
  }

  async close(): Promise<void> {
    await this.#leave();
    await this.#nextLive?.close();
    this.#nextLive = null;
  }

  #use(text: Text, isLive: boolean, offset: number): void {
    this.#text = text;
    this.#isLive = isLive;
    this.#begins = true;
    this.#leaving = false;
    this.#linesEnd = offset > 0 ? text.position(offset) : null;
  }

  /** Opens the next backup, or the live file. False when it is not there. */
  async #openNext(): Promise<boolean> {
    for (let pending = this.#backlog.shift(); pending !== undefined; pending = this.#backlog.shift()) {
      const { backup, offset } = pending;
      // It may have been compressed since it was listed.
      const text = (await this.#open(backup, offset)) ?? (await this.#open(compressedForm(backup), offset));
      if (text !== null) {
        this.#use(text, false, offset);
        return true;
      }
      this.#onLost(`${backup.path}: rotated away before it was read to its end`);
    }
    const live = this.#nextLive ?? (await this.#open(this.#live, 0));
    this.#nextLive = null;
    if (live === null) return false;
    this.#use(live, true, 0);
    return true;
  }

  async #leave(): Promise<void> {
    const text = this.#text;
    this.#text = null;
    await text?.close();
  }

  /** Opens the live file, then lists what must be read before it; false when `list` finds nothing to start from. */
  async #plan(list: () => Promise<Pending[] | null>): Promise<boolean> {
    await this.#nextLive?.close();
    this.#nextLive = await this.#open(this.#live, 0);
    const backlog = await list();
    if (backlog === null) return false;
    this.#backlog = [];
    for (const pending of backlog) {
      const inode = (await identityOf(pending.backup.path))?.inode;
      // The live file was rotated while we looked: it is read, with what comes after it, when its turn comes.
      if (inode !== undefined && inode === this.#nextLive?.inode) break;
      this.#backlog.push(pending);
    }
    return true;
  }

  /** The file was emptied, perhaps after it was copied: what was not read of it is in the copy. */
  async #truncated(): Promise<Step> {
    const position = this.#linesEnd;
    await this.#leave();
    const inCopy = position !== null && (await this.#plan(() => this.#backlogFrom(position)));
    if (!inCopy) this.#onLost(`${this.path}: emptied, perhaps before it was read to its end; no copy of it is there`);
    return { kind: 'end', whole: !inCopy };
  }

  /** The backup that holds the position, from there, and those after it; null when none does. */
  async #backlogFrom(position: Position): Promise<Pending[] | null> {
    const backups = await backupsOf(this.path);
    for (let i = backups.length - 1; i >= 0; i--) {
      const text = await this.#openAt(backups[i] as Backup, position);
      if (text === null) continue;
      await text.close();
      return backups.slice(i).map((backup, j) => ({ backup, offset: j === 0 ? position.offset : 0 }));
    }
    return null;
  }

  /** Backups that were rotated after the file that is being left: more than one rotation since the last look. */
  async #newerThan(text: Text): Promise<Pending[]> {
    const backups = await backupsOf(this.path);
    for (let i = backups.length - 1; i >= 0; i--) {
      if ((await identityOf((backups[i] as Backup).path))?.inode !== text.inode) continue;
      return backups.slice(i + 1).map(backup => ({ backup, offset: 0 }));
    }
    const rest = this.#linesEnd === null ? null : await this.#backlogFrom(this.#linesEnd);
    if (rest !== null) return rest.slice(1);
    // It is deleted: what is left of those after it was written later. Whether others were deleted too, nobody can tell.
    this.#onLost(`${this.path}: deleted, perhaps with files that came after it`);
    const until = (await text.written()) ?? 0;
    const newer: Pending[] = [];
    for (const backup of backups.reverse()) {
      const found = await identityOf(backup.path);
      if (found === null) continue;
      if (found.written < until) break;
      newer.unshift({ backup, offset: 0 });
    }
    return newer;
  }

  #open(backup: Backup, offset: number): Promise<Text | null> {
    return this.#tryOpen(backup, offset, reason => this.#onLost(`${backup.path}: ${reason}`));
  }

  /** Only the live file is waited for: a backup that cannot be opened is as good as gone. */
  #tryOpen(backup: Backup, offset: number, onDamage: (reason: string) => void): Promise<Text | null> {
    const text = Text.open(backup, offset, onDamage);
    return backup === this.#live ? text : text.catch(() => null);
  }

  async #openAt(backup: Backup, position: Position): Promise<Text | null> {
    const text =
      (await this.#tryOpen(backup, position.offset, () => {})) ??
      (await this.#tryOpen(compressedForm(backup), position.offset, () => {}));
    // Every text is alike before its first byte: there only the file itself can be known again.
    if (text === null || (position.offset === 0 ? text.inode === position.inode : text.isAt(position))) return text;
    await text.close();
    return null;
  }
}

function compressedForm(backup: Backup): Backup {
  return backup.compressed ? backup : { path: `${backup.path}.gz`, compressed: true };
}
