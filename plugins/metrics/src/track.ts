/** Points that are kept. */
export const POINTS = 60;

/**
 * How some counters of one thing have grown from point to point, for the last {@link POINTS} of them. Who reads writes all of
 * `now`, then calls {@link take}. A counter that is smaller than before has begun anew.
 */
export class Track {
  readonly now: Float64Array;
  readonly #before: Float64Array;
  readonly #grown: Float64Array;

  constructor(width: number) {
    this.now = new Float64Array(width);
    this.#before = new Float64Array(width);
    this.#grown = new Float64Array(width * POINTS);
  }

  /** Takes `now` for the state before the next point. */
  begin(): void {
    this.#before.set(this.now);
  }

  /** Keeps what has come since the point before. `place` is from 0 to POINTS - 1: what it held is forgotten. */
  take(place: number): void {
    const width = this.now.length;
    for (let i = 0; i < width; i++) {
      const grown = this.now[i]! - this.#before[i]!;
      this.#grown[place * width + i] = grown < 0 ? this.now[i]! : grown;
    }
    this.begin();
  }

  /** What has come up to the point at `place`. A view: it is written again when its turn comes. */
  at(place: number): Float64Array {
    const width = this.now.length;
    return this.#grown.subarray(place * width, (place + 1) * width);
  }

  /** What has come in several points together. */
  over(places: readonly number[]): Float64Array {
    const sum = new Float64Array(this.now.length);
    for (const place of places) for (const [i, grown] of this.at(place).entries()) sum[i]! += grown;
    return sum;
  }
}
