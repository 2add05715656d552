import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A part of a soak as a process of its own: it tells something when it is ready, and then whenever it is asked. */
export class SoakProcess<Ready, Answer> {
  readonly ready: Ready;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  static async start<Ready, Answer>(script: string, ...args: string[]): Promise<SoakProcess<Ready, Answer>> {
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, { execArgv: [] });
    const [ready] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`${script} ended with ${code}`))),
    ])) as [Ready];
    return new SoakProcess(child, ready);
  }

  async ask(): Promise<Answer> {
    this.#child.send('ask');
    const [answer] = (await once(this.#child, 'message')) as [Answer];
    return answer;
  }

  /** SIGSTOP: its kernel still answers, it does not. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

export interface Measured {
  readonly heapUsed: number;
  readonly rss: number;
  readonly sessions: number;
  readonly cpuMs: number;
}

export const startUpstream = () => SoakProcess.start<{ port: number }, { open: number }>('silent-upstream-child.ts');
export const startSidecarOn = (file: string) => SoakProcess.start<{ port: number }, Measured>('sidecar-child.ts', file);
export const startCrowd = (url: string, count: number) =>
  SoakProcess.start<{ opened: number }, { codes: Record<number, number>; pings: number }>(
    'crowd-child.ts',
    url,
    String(count),
  );
