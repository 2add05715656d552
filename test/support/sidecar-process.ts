import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Measured {
  /** Largest resident set since the last reset, in bytes. */
  readonly peak: number;
  /** Open file descriptors. */
  readonly files: number;
  readonly sessions: number;
  readonly warnings: readonly string[];
}

/** A sidecar in a process of its own. */
export class SidecarProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** `files` is the limit of open files (`ulimit -n`), where it is not to be that of this process. */
  static async start(endpoints: readonly string[], files?: number): Promise<SidecarProcess> {
    const script = fileURLToPath(new URL('sidecar-child.ts', import.meta.url));
    const limit = files === undefined ? '' : `ulimit -n ${files}; `;
    const child = spawn(
      '/bin/sh',
      ['-c', `${limit}exec "$0" "$@"`, process.execPath, script, JSON.stringify({ endpoints })],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new SidecarProcess(child, port);
  }

  /** What it measures now; `reset` begins the peak anew. */
  async measure(reset = false): Promise<Measured> {
    this.#child.send(reset ? 'reset' : 'measure');
    const [measured] = (await once(this.#child, 'message')) as [Measured];
    return measured;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
