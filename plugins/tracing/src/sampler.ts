import type { Clock } from '@outrigger/core';

/** Decides which traces are recorded. On every session's way: no allocation, no SDK. */
export interface Sampler {
  /** A trace that begins here. */
  root(traceId: string): boolean;
  /** A trace that a caller has begun. */
  child(traceId: string, parentSampled: boolean): boolean;
}

/** A decision by the trace id, and by nothing that the caller has decided. */
export type RootSampler = (traceId: string) => boolean;

/** What the caller has decided holds; `root` decides where there is no caller. */
export function parentBased(root: RootSampler): Sampler {
  return { root, child: (_traceId, parentSampled) => parentSampled };
}

/** `root` decides always, whatever the caller has decided. */
export function always(root: RootSampler): Sampler {
  return { root, child: root };
}

/**
 * Samples `ratio` (0 to 1) of the traces, each of them in the same way wherever it is asked: by the randomness in the
 * right-most 56 bits of the trace id (W3C Trace Context Level 2), of which 52 fit a number.
 */
export function ratioBased(ratio: number): RootSampler {
  if (ratio >= 1) return () => true;
  if (ratio <= 0) return () => false;
  // Digits of one case compare as the numbers that they are; the first one mostly decides.
  const threshold = Math.ceil((1 - ratio) * 2 ** 52)
    .toString(16)
    .padStart(13, '0');
  return (traceId) => {
    for (let i = 0; i < threshold.length; i++) {
      const difference = traceId.charCodeAt(18 + i) - threshold.charCodeAt(i);
      if (difference !== 0) return difference > 0;
    }
    return true;
  };
}

/**
 * Samples what `root` samples, and beyond that as many traces as bring the whole to `rate` per second. What a quiet second
 * has left over is not kept beyond one second (one trace, where the rate is lower).
 */
export function atLeast(rate: number, root: RootSampler, clock: Clock): RootSampler {
  if (rate <= 0) return root;
  const bucket = new TokenBucket(rate, clock);
  return (traceId) => {
    const sampled = bucket.any() || root(traceId);
    if (sampled) bucket.take();
    return sampled;
  };
}

/** Fills with `rate` tokens per second; numbers that change are the fields of an object, where they need no memory of their own. */
class TokenBucket {
  readonly #rate: number;
  readonly #capacity: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(rate: number, clock: Clock) {
    this.#rate = rate;
    this.#capacity = Math.max(1, rate);
    this.#clock = clock;
    this.#tokens = this.#capacity;
    this.#at = clock.coarse();
  }

  any(): boolean {
    const now = this.#clock.coarse();
    if (now !== this.#at) {
      this.#tokens = Math.min(this.#capacity, this.#tokens + ((now - this.#at) * this.#rate) / 1000);
      this.#at = now;
    }
    return this.#tokens >= 1;
  }

  /** One, or what is left of one. */
  take(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }
}
