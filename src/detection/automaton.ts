/**
 * One multi-pattern automaton (Aho–Corasick) over folded text: a scan costs the length of the text, however many patterns
 * there are. The root and the states next to it, where a scan spends nearly all of its time, have a full row of transitions;
 * all others, nearly all of which have a single child, share one open-addressing table.
 *
 * Patterns are folded already (`foldCase`). ASCII text is folded on the fly, character by character; text with other
 * characters is folded as a whole first, because its folding may depend on neighbours.
 */
import { foldCase } from '../rules/regex-literals.ts';

type Anchor = 'contains' | 'startswith' | 'endswith';

export interface Pattern {
  readonly literal: string;
  readonly anchor: Anchor;
  /** What `scan` reports. */
  readonly id: number;
}

interface Output {
  readonly id: number;
  readonly length: number;
  readonly anchor: Anchor;
}

export class Automaton {
  /** Class of each UTF-16 code unit below 128, upper case folded to lower; 0: in no pattern. */
  readonly #asciiClass = new Uint16Array(128);
  readonly #otherClass = new Map<number, number>();
  #classes = 1;
  /** Full rows of states 0 (the root) to `#dense`: state × class → state. */
  #rows: Int32Array;
  #dense = 0;
  #keys: Int32Array;
  #targets: Int32Array;
  #mask: number;
  #fail: Int32Array;
  /** Nearest state on the failure chain, itself included, that has output; 0 for none. */
  #report: Int32Array;
  readonly #outputs: (Output[] | undefined)[] = [undefined];

  constructor(patterns: readonly Pattern[]) {
    let edges = 0;
    for (const pattern of patterns) {
      edges += pattern.literal.length;
      for (let i = 0; i < pattern.literal.length; i++) this.#addClass(pattern.literal.charCodeAt(i));
    }
    let size = 16;
    while (size < edges * 2) size *= 2;
    this.#mask = size - 1;
    this.#keys = new Int32Array(size).fill(-1);
    this.#targets = new Int32Array(size);
    const parents: number[] = [0];
    const labels: number[] = [0];
    // The root's children get the first numbers, whatever else the patterns hold.
    this.#rows = new Int32Array(this.#classes);
    for (const { literal } of patterns) if (literal !== '') this.#descend(0, literal.charCodeAt(0), parents, labels);
    this.#dense = parents.length - 1;
    for (const pattern of patterns) this.#insert(pattern, parents, labels);
    this.#fail = new Int32Array(parents.length);
    this.#report = new Int32Array(parents.length);
    this.#link(parents, labels);
    this.#fillRows();
  }

  /** Calls `hit` with the id of each pattern that occurs, possibly several times with the same one. */
  scan(text: string, hit: (id: number) => void): void {
    const ascii = this.#asciiClass;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 128) {
        this.#scanFolded(foldCase(text), hit);
        return;
      }
      state = this.#next(state, ascii[code]!);
      if (this.#report[state] !== 0) this.#emit(state, i + 1, text.length, hit);
    }
  }

  #scanFolded(text: string, hit: (id: number) => void): void {
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      state = this.#next(state, this.#classOf(text.charCodeAt(i)));
      if (this.#report[state] !== 0) this.#emit(state, i + 1, text.length, hit);
    }
  }

  #emit(state: number, end: number, length: number, hit: (id: number) => void): void {
    for (let at = this.#report[state]!; at !== 0; at = this.#report[this.#fail[at]!]!) {
      for (const output of this.#outputs[at]!) {
        if (output.anchor === 'startswith' && end !== output.length) continue;
        if (output.anchor === 'endswith' && end !== length) continue;
        hit(output.id);
      }
    }
  }

  #next(state: number, cls: number): number {
    let at = state;
    while (at > this.#dense) {
      const next = this.#child(at, cls);
      if (next !== 0) return next;
      at = this.#fail[at]!;
    }
    return this.#rows[at * this.#classes + cls]!;
  }

  /** What `#next` answers, before there are full rows. */
  #goto(state: number, cls: number): number {
    for (let at = state; at !== 0; at = this.#fail[at]!) {
      const next = this.#child(at, cls);
      if (next !== 0) return next;
    }
    return this.#rows[cls]!;
  }

  #child(state: number, cls: number): number {
    const key = state * this.#classes + cls;
    let slot = Math.imul(key, 0x9e3779b1) >>> 7;
    for (;;) {
      slot &= this.#mask;
      const found = this.#keys[slot]!;
      if (found === key) return this.#targets[slot]!;
      if (found === -1) return 0;
      slot++;
    }
  }

  #classOf(code: number): number {
    return code < 128 ? this.#asciiClass[code]! : (this.#otherClass.get(code) ?? 0);
  }

  #addClass(code: number): void {
    if (this.#classOf(code) !== 0) return;
    const cls = this.#classes++;
    if (code >= 128) {
      this.#otherClass.set(code, cls);
      return;
    }
    this.#asciiClass[code] = cls;
    const isLower = code >= 97 && code <= 122;
    if (isLower) this.#asciiClass[code - 32] = cls;
  }

  #insert(pattern: Pattern, parents: number[], labels: number[]): void {
    let state = 0;
    for (let i = 0; i < pattern.literal.length; i++)
      state = this.#descend(state, pattern.literal.charCodeAt(i), parents, labels);
    const output = { id: pattern.id, length: pattern.literal.length, anchor: pattern.anchor };
    const outputs = this.#outputs[state];
    if (outputs === undefined) this.#outputs[state] = [output];
    else outputs.push(output);
  }

  /** The child of `state` by a character, made when there is none. */
  #descend(state: number, code: number, parents: number[], labels: number[]): number {
    const cls = this.#classOf(code);
    const known = state === 0 ? this.#rows[cls]! : this.#child(state, cls);
    if (known !== 0) return known;
    const made = parents.length;
    parents.push(state);
    labels.push(cls);
    this.#outputs.push(undefined);
    if (state === 0) this.#rows[cls] = made;
    else this.#addEdge(state, cls, made);
    return made;
  }

  #addEdge(state: number, cls: number, target: number): void {
    const key = state * this.#classes + cls;
    let slot = Math.imul(key, 0x9e3779b1) >>> 7;
    for (;;) {
      slot &= this.#mask;
      if (this.#keys[slot] === -1) break;
      slot++;
    }
    this.#keys[slot] = key;
    this.#targets[slot] = target;
  }

  /** Failure links, shallow states first. */
  #link(parents: readonly number[], labels: readonly number[]): void {
    const depth = new Int32Array(parents.length);
    for (let state = 1; state < parents.length; state++) depth[state] = depth[parents[state]!]! + 1;
    const order = Array.from({ length: parents.length - 1 }, (_, i) => i + 1).sort((a, b) => depth[a]! - depth[b]!);
    for (const state of order) {
      const parent = parents[state]!;
      this.#fail[state] = parent === 0 ? 0 : this.#goto(this.#fail[parent]!, labels[state]!);
      this.#report[state] = this.#outputs[state] === undefined ? this.#report[this.#fail[state]!]! : state;
    }
  }

  /** The root has its row already; its children's are made of their own children and of the root's row. */
  #fillRows(): void {
    const classes = this.#classes;
    const root = this.#rows;
    const rows = new Int32Array((this.#dense + 1) * classes);
    rows.set(root);
    for (let state = 1; state <= this.#dense; state++) {
      for (let cls = 1; cls < classes; cls++) rows[state * classes + cls] = this.#child(state, cls) || root[cls]!;
    }
    this.#rows = rows;
  }
}
