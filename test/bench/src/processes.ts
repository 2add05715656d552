import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { delimiter, join } from 'node:path';

/** What is measured has a core to itself; load, upstreams and this program share the other. */
export const SUBJECT_CORE = 0;
export const LOAD_CORE = cpus().length > 1 ? 1 : 0;

const running = new Set<ChildProcess>();

/** Starts a program on one core; its output goes to `log`, unless it is read. */
export function pinned(core: number, command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const [program, ...args] = which('taskset') === undefined ? command : ['taskset', '-c', String(core), ...command];
  // In a group of its own: a group in which something stands still is hung up on when the shell that began it ends.
  const child = spawn(program!, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    detached: true,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.stdin?.on('error', () => {});
  return child;
}

/** Ends what {@link pinned} has started, and what that has started: a master's workers do not all end with it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  kill(child);
  await ended;
}

export function endAll(): void {
  for (const child of running) kill(child);
}

function kill(child: ChildProcess): void {
  signal(child.pid!, 'SIGKILL');
}

/** Has a process and its children stand still: what they have put off takes nothing from another. */
export function halt(pid: number): void {
  signal(pid, 'SIGSTOP');
}

/** Lets them go on. */
export function proceed(pid: number): void {
  signal(pid, 'SIGCONT');
}

function signal(pid: number, name: NodeJS.Signals): void {
  for (const one of family(pid)) {
    try {
      process.kill(one, name);
    } catch {
      // It has ended.
    }
  }
}

/** The next line that a helper of ours prints; it prints each at once. */
export async function line(child: ChildProcess): Promise<string> {
  const over = new AbortController();
  const said = once(child.stdout!, 'data', over) as Promise<[Buffer]>;
  const ended = once(child, 'exit', over).then(([code]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`);
  });
  try {
    return String((await Promise.race([said, ended]))[0]).trim();
  } finally {
    over.abort();
  }
}

/** Path of a program, where it is installed. */
export function which(program: string): string | undefined {
  const folders = `${process.env['PATH']}${delimiter}/usr/sbin`.split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** First line of what a program says of its version. */
export function versionOf(program: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return /\d+\.\d+[\w.]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}

/** Nanoseconds of CPU that a process and its children have had so far, by the kernel's scheduler. */
export function cpuTime(pid: number): number {
  let total = 0;
  for (const one of family(pid)) {
    for (const task of tasksOf(one)) {
      try {
        total += Number(readFileSync(`/proc/${one}/task/${task}/schedstat`, 'utf8').split(' ', 1)[0]);
      } catch {
        // A thread that has just ended.
      }
    }
  }
  return total;
}

/** Bytes of a process and its children that are in memory. */
export function residentBytes(pid: number): number {
  let kib = 0;
  for (const one of family(pid))
    kib += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1] ?? 0);
  return kib * 1024;
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function family(pid: number): number[] {
  const all = [pid];
  for (const one of all)
    for (const task of tasksOf(one)) {
      try {
        all.push(
          ...readFileSync(`/proc/${one}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
        );
      } catch {
        // A thread that has just ended.
      }
    }
  return all;
}
