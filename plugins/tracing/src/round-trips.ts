/** Round trips of pings, in milliseconds. */
export class RoundTrips {
  count = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;
  #sum = 0;

  /** NaN where there was none. */
  get mean(): number {
    return this.#sum / this.count;
  }

  record(ms: number): void {
    this.min = Math.min(this.min, ms);
    this.max = Math.max(this.max, ms);
    this.#sum += ms;
    this.count++;
  }
}
