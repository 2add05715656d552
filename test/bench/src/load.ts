import type { ChildProcess } from 'node:child_process';
import { end, LOAD_CORE, line, pinned } from './processes.ts';

/** What the load says of a slice. */
export interface Loaded {
  readonly units: number;
  readonly failures: number;
  readonly seconds: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Its connections stay open from one slice to the next: what they cost to open is in no slice. */
export class Load {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all `connections` are open; rejects where that takes over a minute. */
  static async open(command: readonly string[], connections: number): Promise<Load> {
    const child = pinned(LOAD_CORE, command);
    const { open } = JSON.parse(await line(child)) as { open: number };
    if (open === connections) return new Load(child);
    await end(child);
    throw new Error(`${open} of ${connections} connections are open after a minute`);
  }

  /** One at a time. Rejects where the load has ended: too much has failed. */
  async slice(seconds: number): Promise<Loaded> {
    if (this.#child.exitCode !== null) throw new Error('the load has ended');
    const said = line(this.#child);
    this.#child.stdin!.write(`${seconds}\n`);
    return JSON.parse(await said) as Loaded;
  }

  end(): Promise<void> {
    return end(this.#child);
  }
}
