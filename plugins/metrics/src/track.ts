/** Points that are kept. */
export const POINTS = 60;

/** A byte for each number, until one of them does not fit. */
const WIDER = [Uint8Array, Uint16Array, Uint32Array, Float64Array] as const;
type Kept = InstanceType<(typeof WIDER)[number]>;

/**
 * How some counters of one thing have grown from point to point, and what was open then, for the last {@link POINTS} of them. Who
 * reads writes all of `now` and `open`, then calls {@link take}. A counter that is smaller than before has begun anew.
 */
export class Track {
  /** Integers. */
  readonly now: number[];
  open = 0;
  /** Points in a row in which nothing came and nothing was open. */
  quiet = 0;
  readonly #before: number[];
  /** For each point what has grown, then what was open. */
  #kept: Kept;
  /** Of {@link WIDER}. */
  #width = 0;

  /** `now` may be counted into by somebody else. */
  constructor(now: number[]) {
    this.now = now;
    this.#before = new Array<number>(now.length).fill(0);
    this.#kept = new Uint8Array((now.length + 1) * POINTS);
  }

  /** Takes `now` for the state before the next point. */
  begin(): void {
    for (let i = 0; i < this.now.length; i++) this.#before[i] = this.now[i]!;
  }

  /** Keeps what has come since the point before. `place` is from 0 to POINTS - 1: what it held is forgotten. */
  take(place: number): void {
    const { now, open } = this;
    const before = this.#before;
    const from = place * (now.length + 1);
    this.#kept.fill(0, from, from + now.length + 1);
    this.quiet = open > 0 ? 0 : this.quiet + 1;
    if (open > 0) this.#keep(from + now.length, open);
    for (let i = 0; i < now.length; i++) {
      if (now[i] === before[i]) continue;
      const grown = now[i]! < before[i]! ? now[i]! : now[i]! - before[i]!;
      before[i] = now[i]!;
      this.quiet = 0;
      this.#keep(from + i, grown);
    }
  }

  /** Adds what has come up to the point at `place`. */
  addTo(sum: Float64Array, place: number): void {
    const kept = this.#kept;
    const from = place * (this.now.length + 1);
    for (let i = 0; i < sum.length; i++) sum[i]! += kept[from + i]!;
  }

  openAt(place: number): number {
    return this.#kept[place * (this.now.length + 1) + this.now.length]!;
  }

  #keep(index: number, value: number): void {
    this.#kept[index] = value;
    while (this.#kept[index] !== value) {
      this.#kept = new WIDER[++this.#width]!(this.#kept);
      this.#kept[index] = value;
    }
  }
}
