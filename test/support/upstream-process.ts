import { fileURLToPath } from 'node:url';
import { Program } from './program.ts';

const CHILD = fileURLToPath(new URL('upstream-child.ts', import.meta.url));

/** An endpoint in a process of its own, on the same port each time; the next process stands by. */
export class UpstreamProcess {
  readonly name: string;
  port = 0;
  #program!: Program;
  #next: Program | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#program = this.#next ?? this.#prepared();
    this.#next = undefined;
    this.#program.process.stdin!.end();
    this.port = Number(await this.#program.until(({ stdout }) => /^(\d+)\n/.exec(stdout)?.[1]));
  }

  /** Begins the process that the next `start` lets listen. */
  prepare(): void {
    this.#next ??= this.#prepared();
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#program.kill('SIGKILL');
    await this.#program.exit;
  }

  #prepared(): Program {
    return new Program(process.execPath, [CHILD, this.name, String(this.port)], { stdin: 'pipe' });
  }
}

/** `one`, `two`, `three`. */
export async function startThree(): Promise<UpstreamProcess[]> {
  const upstreams = ['one', 'two', 'three'].map((name) => new UpstreamProcess(name));
  await Promise.all(upstreams.map((upstream) => upstream.start()));
  return upstreams;
}
