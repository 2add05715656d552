import type { Distribution } from './registry.ts';

/**
 * The histograms of one route or cluster: found by two indexes where all is well, by a map where it failed. What is not there yet
 * is made by `create`.
 */
export class DurationTable {
  readonly #create: (row: number, status: number, error: string) => Distribution;
  readonly #rows: (Distribution | undefined)[][] = [];
  readonly #failed = new Map<string, (Distribution | undefined)[][]>();

  constructor(create: (row: number, status: number, error: string) => Distribution) {
    this.#create = create;
  }

  /** `row` is a small number that stands for further labels; `status` is 0 where there is none. */
  at(row: number, status: number, error: string | undefined): Distribution {
    if (error === undefined) {
      const known = this.#rows[row]?.[status];
      return known ?? this.#make(this.#rows, row, status, '');
    }
    let rows = this.#failed.get(error);
    if (rows === undefined) {
      rows = [];
      this.#failed.set(error, rows);
    }
    return rows[row]?.[status] ?? this.#make(rows, row, status, error);
  }

  #make(rows: (Distribution | undefined)[][], row: number, status: number, error: string): Distribution {
    const histogram = this.#create(row, status, error);
    rows[row] ??= [];
    rows[row][status] = histogram;
    return histogram;
  }
}
