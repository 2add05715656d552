import type { Counter } from '@outrigger/core';
import { DurationTable } from './duration-table.ts';
import type { httpInstruments } from './http-instruments.ts';
import { METHODS } from './methods.ts';
import type { Distribution } from './registry.ts';

/** The series of the attempts at the endpoints of a cluster. */
export class ClusterSeries {
  /** Attempts whose connection came out of the pool, and those that one was opened for. */
  readonly reused: Counter;
  readonly opened: Counter;
  readonly #durations: DurationTable;

  constructor(cluster: string, { client, connections }: ReturnType<typeof httpInstruments>) {
    this.reused = connections.with(cluster, 'reused');
    this.opened = connections.with(cluster, 'opened');
    this.#durations = new DurationTable((row, status, error) =>
      client.with(cluster, METHODS[row]!, status === 0 ? '' : String(status), error),
    );
  }

  /** `status` is 0 where none came; `cause` is why the attempt failed. A client's error is each status from 400 on. */
  duration(method: number, status: number, cause: string | undefined): Distribution {
    return this.#durations.at(method, status, cause ?? (status < 400 ? undefined : STATUS[status]));
  }
}

/** Made once: a response costs no text. */
const STATUS = Array.from({ length: 600 }, (_, status) => String(status));
