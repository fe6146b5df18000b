/**
 * One multi-pattern automaton (Aho–Corasick) over folded text: a scan costs the length of the text, however many patterns
 * there are. Transitions live in one open-addressing table, since nearly all states have a single child.
 *
 * Patterns are folded already (`String.prototype.toLowerCase`). ASCII text is folded on the fly, character by character; text with other
 * characters is lower-cased as a whole first, because its folding may depend on neighbours.
 */

export type Anchor = 'contains' | 'startswith' | 'endswith';

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
  /** Dense row of the root: class → state. */
  #root: Int32Array;
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
    this.#root = new Int32Array(this.#classes);
    const parents: number[] = [0];
    const labels: number[] = [0];
    for (const pattern of patterns) this.#insert(pattern, parents, labels);
    this.#fail = new Int32Array(parents.length);
    this.#report = new Int32Array(parents.length);
    this.#link(parents, labels);
  }

  /** Calls `hit` with the id of each pattern that occurs, possibly several times with the same one. */
  scan(text: string, hit: (id: number) => void): void {
    const root = this.#root;
    const ascii = this.#asciiClass;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 128) {
        this.#scanFolded(text.toLowerCase(), hit);
        return;
      }
      const cls = ascii[code]!;
      state = state === 0 ? root[cls]! : this.#next(state, cls);
      if (state !== 0 && this.#report[state] !== 0) this.#emit(state, i + 1, text.length, hit);
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
    if (cls === 0) return 0;
    let at = state;
    while (at !== 0) {
      const next = this.#child(at, cls);
      if (next !== 0) return next;
      at = this.#fail[at]!;
    }
    return this.#root[cls]!;
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
    for (let i = 0; i < pattern.literal.length; i++) {
      const cls = this.#classOf(pattern.literal.charCodeAt(i));
      let next = state === 0 ? this.#root[cls]! : this.#child(state, cls);
      if (next === 0) {
        next = parents.length;
        parents.push(state);
        labels.push(cls);
        this.#outputs.push(undefined);
        if (state === 0) this.#root[cls] = next;
        else this.#addEdge(state, cls, next);
      }
      state = next;
    }
    const output = { id: pattern.id, length: pattern.literal.length, anchor: pattern.anchor };
    const outputs = this.#outputs[state];
    if (outputs === undefined) this.#outputs[state] = [output];
    else outputs.push(output);
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
      this.#fail[state] = parent === 0 ? 0 : this.#next(this.#fail[parent]!, labels[state]!);
      this.#report[state] = this.#outputs[state] === undefined ? this.#report[this.#fail[state]!]! : state;
    }
  }
}
