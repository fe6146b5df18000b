/** Large pictures in slices, so that whoever asks for one keeps nobody else waiting for longer than a slice. */

/** Work that may be put aside wherever it yields. */
export type Sliced<T> = Generator<undefined, T, undefined>;

/** Without a pause: for programs that do nothing else. */
export function atOnce<T>(work: Sliced<T>): T {
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

/** Everything else that waits has its turn between two slices. */
export async function inSlices<T>(work: Sliced<T>): Promise<T> {
  let step = work.next();
  while (!step.done) {
    await new Promise(resolve => setImmediate(resolve));
    step = work.next();
  }
  return step.value;
}
