import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The program, as `npm ci` links it. */
export const OUTRIGGER = fileURLToPath(new URL('../../sidecar/bin/outrigger.js', import.meta.url));

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: standard input is closed from the start. */
  readonly stdin?: 'pipe' | 'ignore';
  /** A process group of its own, as a shell gives it one. */
  readonly group?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A line that the sidecar logged on standard error. */
export interface LoggedLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const running = new Set<Program>();

/** A process, with what it has written so far. */
export class Program {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly group: boolean;
  stdout = '';
  stderr = '';
  /** Resolves when it has ended and all of its output is here. */
  readonly exit: Promise<Exit>;
  #ended = false;
  #woken: (() => void)[] = [];

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    this.process = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...environment(), ...options.env },
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
      detached: options.group ?? false,
    });
    this.pid = this.process.pid!;
    this.group = options.group ?? false;
    running.add(this);
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    this.exit = once(this.process, 'close').then(([code, signal]) => {
      this.#ended = true;
      running.delete(this);
      this.#wake();
      return { code, signal } as Exit;
    });
    this.exit.catch(() => {});
  }

  /** What it logged so far; lines that are no JSON are left out. */
  get log(): LoggedLine[] {
    const lines = this.stderr.slice(0, this.stderr.lastIndexOf('\n') + 1).split('\n');
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LoggedLine);
  }

  /** Resolves when `met` returns something; rejects, with the output, where the process ends before. */
  async until<T>(met: (program: this) => T | undefined | false): Promise<T> {
    for (;;) {
      const found = met(this);
      if (found !== undefined && found !== false) return found;
      if (this.#ended) throw new Error(`the process ended; it wrote:\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.#woken.push(resolve));
    }
  }

  /** The line with this message. */
  logged(msg: string): Promise<LoggedLine> {
    return this.until(({ log }) => log.find((line) => line.msg === msg));
  }

  /** Resolves, when it is ready, to the port of a listener. */
  async port(listener = 'inbound'): Promise<number> {
    const { listeners } = (await this.logged('ready')) as unknown as { listeners: Record<string, string> };
    return Number(/:(\d+)$/.exec(listeners[listener]!)![1]);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Signals the whole process group, as a Ctrl-C does. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  #wake(): void {
    for (const resolve of this.#woken.splice(0)) resolve();
  }
}

/** Starts `outrigger` with these arguments. */
export function outrigger(args: readonly string[], options?: ProgramOptions): Program {
  return new Program(process.execPath, [OUTRIGGER, ...args], options);
}

/** Starts a sidecar on a file: its admin address, where it has one, is a free port. */
export function sidecarOn(file: string, args: readonly string[] = [], options?: ProgramOptions): Program {
  return outrigger(['-c', file, '--set', 'admin.bind=127.0.0.1:0', ...args], options);
}

/** Runs `outrigger` to its end. */
export async function runToEnd(args: readonly string[], options?: ProgramOptions): Promise<Exit & Program> {
  const program = outrigger(args, options);
  return Object.assign(program, await program.exit);
}

/** Cuts what a test has left behind; for `afterEach`. */
export async function endPrograms(): Promise<void> {
  await Promise.all(
    [...running].map(async (program) => {
      if (program.group) program.killGroup('SIGKILL');
      else program.kill('SIGKILL');
      await program.exit;
    }),
  );
}

/** This process's own, without what would configure the program. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(OTEL_|npm_|NO_COLOR|FORCE_COLOR|HTTPS?_PROXY|NODE_OPTIONS)/i.test(name),
    ),
  );
}
