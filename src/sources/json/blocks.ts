/**
 * Reads process blocks that were not seen before. Most of such a block is still known: the pod, and the capabilities and
 * namespaces, are those of many processes, and are recognised by their bytes; only the rest is parsed.
 */
import type { Capabilities, Namespaces, PodFacts, ProcessFacts } from '../../model/process.ts';
import type { Interned } from '../intern.ts';
import { digitsEnd, indexWithin, parseObject } from './bytes.ts';
import { capsOf, nsOf, podOf, processFacts } from './process.ts';
import { SegmentCache } from './segments.ts';
import type { Json } from './values.ts';

const POD_KEY = Buffer.from(',"pod":{');
const POD_END = Buffer.from('},"docker":"');
const POD_PID_KEY = Buffer.from(',"pid":');
const KERNEL_KEY = Buffer.from(',"cap":{');
const KERNEL_END = Buffer.from('},"tid":');
const BRACE = 0x7b;
const BRACKET = 0x5b;
const SLOTS = 2_048;
/** Longer rests of pods are parsed each time. */
const REST_BYTES_MAX = 8_192;

/** A pod's block that begins with known bytes: what followed them and the pid last, and what it all meant. */
interface PodHead {
  rest: Buffer | null;
  pod: { readonly pod: PodFacts | null } | null;
}

interface Kernel {
  readonly caps: Capabilities | null;
  readonly ns: Namespaces | null;
}

export class BlockReader {
  readonly #interned: Interned;
  readonly #pods = new SegmentCache<{ readonly pod: PodFacts | null }>({ slots: SLOTS, onSecondSight: false });
  readonly #podHeads = new SegmentCache<PodHead>({ slots: SLOTS, onSecondSight: false });
  readonly #kernels = new SegmentCache<Kernel>({ slots: SLOTS, onSecondSight: false });

  constructor(interned: Interned) {
    this.#interned = interned;
  }

  /** Facts of the block that `bytes[start, end)` is; null when it is no JSON object or names no process. */
  read(bytes: Buffer, start: number, end: number): ProcessFacts | null {
    return this.#readParts(bytes, start, end) ?? this.#readWhole(bytes, start, end);
  }

  #readWhole(bytes: Buffer, start: number, end: number): ProcessFacts | null {
    const block = parseObject(bytes.toString('utf8', start, end));
    return block === null ? null : named(processFacts(block, this.#interned));
  }

  #readParts(bytes: Buffer, start: number, end: number): ProcessFacts | null {
    const view = bytes.subarray(start, end);
    const podStart = view.indexOf(POD_KEY);
    const podEnd = podStart < 0 ? -1 : view.indexOf(POD_END, podStart) + 1;
    const kernelStart = view.indexOf(KERNEL_KEY, Math.max(0, podEnd));
    const kernelEnd = kernelStart < 0 ? -1 : view.indexOf(KERNEL_END, kernelStart) + 1;
    if (podStart < 0 ? kernelStart < 0 : podEnd <= 0) return null;
    if (kernelStart >= 0 && kernelEnd <= 0) return null;
    // No brace and no bracket before a part: then it is a member of the block itself, and not of something inside.
    const first = podStart < 0 ? kernelStart : podStart;
    if (!isFlat(view, 1, first)) return null;
    if (podStart >= 0 && kernelStart >= 0 && !isFlat(view, podEnd, kernelStart)) return null;

    const pod = podStart < 0 ? null : this.#pod(bytes, start + podStart, start + podEnd);
    const kernel =
      kernelStart < 0 ? null : this.#kernels.get(bytes, start + kernelStart, start + kernelEnd, this.#readKernel);
    if ((podStart >= 0 && pod === null) || (kernelStart >= 0 && kernel === null)) return null;
    let rest = view.toString('utf8', 0, first);
    if (podStart >= 0 && kernelStart >= 0) rest += view.toString('utf8', podEnd, kernelStart);
    rest += view.toString('utf8', kernelStart >= 0 ? kernelEnd : podEnd);
    const block = parseObject(rest);
    if (block === null || 'pod' in block || 'cap' in block || 'ns' in block) return null;
    return named(
      processFacts(block, this.#interned, {
        pod: pod?.pod ?? null,
        caps: kernel?.caps ?? null,
        ns: kernel?.ns ?? null,
      }),
    );
  }

  /**
   * The pod of `bytes[start, end)`. Its container's `pid` is that of the process, each time another, and no fact of the pod: a
   * block that differs from a known one in the digits of that number only means the same.
   */
  #pod(bytes: Buffer, start: number, end: number): { readonly pod: PodFacts | null } | null {
    const key = indexWithin(bytes, POD_PID_KEY, start, end);
    const pidStart = key + POD_PID_KEY.length;
    const pidEnd = key < 0 ? -1 : digitsEnd(bytes, pidStart);
    if (pidEnd < 0 || pidEnd >= end) return this.#pods.get(bytes, start, end, this.#readPod);
    const head = this.#podHeads.get(bytes, start, pidStart, newPodHead) as PodHead;
    const { rest } = head;
    if (rest?.length === end - pidEnd && bytes.compare(rest, 0, rest.length, pidEnd, end) === 0) return head.pod;
    const pod = this.#readPod(bytes.toString('utf8', start, end));
    const kept = pod !== null && end - pidEnd <= REST_BYTES_MAX;
    head.rest = kept ? Buffer.from(bytes.subarray(pidEnd, end)) : null;
    head.pod = kept ? pod : null;
    return pod;
  }

  readonly #readPod = (text: string): { readonly pod: PodFacts | null } | null => {
    const members = membersOf(text, ['pod']);
    return members === null ? null : { pod: podOf(members.pod, this.#interned) };
  };

  readonly #readKernel = (text: string): Kernel | null => {
    const members = membersOf(text, ['cap', 'ns']);
    if (members === null) return null;
    return { caps: capsOf(members.cap, this.#interned), ns: nsOf(members.ns, this.#interned) };
  };
}

const newPodHead = (): PodHead => ({ rest: null, pod: null });

function named(facts: ProcessFacts): ProcessFacts | null {
  return facts.execId === '' ? null : facts;
}

/** Whether nothing opens in `view[from, to)`; braces inside strings count as well, which is on the safe side. */
function isFlat(view: Buffer, from: number, to: number): boolean {
  const brace = view.indexOf(BRACE, from);
  const bracket = view.indexOf(BRACKET, from);
  return (brace < 0 || brace >= to) && (bracket < 0 || bracket >= to);
}

/** `,"a":…,"b":…` as an object, when it has no other members than these. */
function membersOf(text: string, allowed: readonly string[]): Json | null {
  const members = parseObject(`{${text.slice(1)}}`);
  return members !== null && Object.keys(members).every(key => allowed.includes(key)) ? members : null;
}
