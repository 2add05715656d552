/** Work that may be interrupted wherever it yields. */
export type Sliced<T> = Generator<void, T>;

/** So long the event loop waits for a slice, unless one step of it takes longer. */
const SLICE_MS = 5;

/** Does all of it now. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Does it slice by slice, and lets the event loop turn in between: sessions go on. Rejects with what the work throws. */
export async function inSlices<T>(work: Sliced<T>): Promise<T> {
  for (;;) {
    const end = performance.now() + SLICE_MS;
    do {
      const step = work.next();
      if (step.done) return step.value;
    } while (performance.now() < end);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
