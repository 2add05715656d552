import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Certificate, certificateIn } from './certificate.ts';
import { compiled } from './native.ts';
import { cpuTime, end, endAll, freePort, LOAD_CORE, pinned, residentBytes, SUBJECT_CORE } from './processes.ts';
import type { Subject } from './subjects.ts';
import type { Workload } from './workloads.ts';

/** What one slice of one workload came to. */
export interface Sample {
  /** Microseconds of CPU for a unit; bytes of memory where the workload counts idle connections. */
  readonly cost: number;
  readonly perSecond: number;
  readonly failures: number;
  /** Microseconds, as the client saw them. */
  readonly p50: number;
  readonly p99: number;
}

interface Loaded {
  readonly units: number;
  readonly failures: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

/** One upstream and any number of subjects, started and loaded one at a time. */
export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  readonly #load = compiled('load');
  #upstreamPort = 0;
  #collectorPort = 0;
  /** Made once, by the program itself. */
  #certificate: Certificate = { cert: '', key: '', both: '' };

  async start(): Promise<void> {
    this.#upstreamPort = await freePort();
    await ready(pinned(LOAD_CORE, [compiled('upstream'), String(this.#upstreamPort)]));
    const collector = pinned(LOAD_CORE, [process.execPath, fileURLToPath(new URL('./collector.ts', import.meta.url))]);
    this.#collectorPort = Number(await ready(collector));
    this.#certificate = certificateIn(this.folder);
  }

  /** Ends everything, and removes what was written. */
  stop(): void {
    endAll();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async begin(subject: Subject, workload: Workload): Promise<RunningSubject> {
    const port = await freePort();
    const folder = join(this.folder, String(port));
    const { command, env } = subject.command({
      port,
      upstreamPort: this.#upstreamPort,
      collectorPort: this.#collectorPort,
      folder,
      ...(workload.tls && { tls: this.#certificate }),
    });
    const child = pinned(SUBJECT_CORE, command, env);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (said += data));
    await listening(port, child, () => said);
    return new RunningSubject(subject, child, port, this.#load);
  }
}

/** A subject that listens. */
export class RunningSubject {
  readonly subject: Subject;
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #load: string;

  constructor(subject: Subject, child: ChildProcess, port: number, load: string) {
    this.subject = subject;
    this.#child = child;
    this.#port = port;
    this.#load = load;
  }

  async measure(workload: Workload, seconds: number): Promise<Sample> {
    if (workload.mode === 'idle') return this.#hold(workload);
    const before = cpuTime(this.#child.pid!);
    const { units, failures, p50, p99, seconds: took } = await this.#run(workload, seconds);
    const spent = cpuTime(this.#child.pid!) - before;
    const done = units * (workload.units ?? 1);
    return { cost: done === 0 ? Number.NaN : spent / 1_000 / done, perSecond: done / took, failures, p50, p99 };
  }

  end(): Promise<void> {
    return end(this.#child);
  }

  async #run({ mode, args }: Workload, seconds: number): Promise<Loaded> {
    const load = pinned(LOAD_CORE, [this.#load, mode, '127.0.0.1', String(this.#port), ...args(seconds).map(String)]);
    const [text] = await Promise.all([output(load), once(load, 'exit')]);
    if (text === '') return { units: 0, failures: 1, seconds, p50: 0, p99: 0 };
    return JSON.parse(text) as Loaded;
  }

  /** Memory of connections that do nothing. */
  async #hold({ mode, args }: Workload): Promise<Sample> {
    const before = residentBytes(this.#child.pid!);
    const load = pinned(LOAD_CORE, [this.#load, mode, '127.0.0.1', String(this.#port), ...args(0).map(String)]);
    const [line] = (await once(load.stdout!, 'data')) as [Buffer];
    const { open, failures } = JSON.parse(String(line)) as { open: number; failures: number };
    const cost = (residentBytes(this.#child.pid!) - before) / open;
    const ended = once(load, 'exit');
    load.stdin!.end();
    await ended;
    return { cost, perSecond: 0, failures, p50: 0, p99: 0 };
  }
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const piece of child.stdout!) text += piece;
  return text.trim();
}

/** The first line that a helper of ours prints. */
async function ready(child: ChildProcess): Promise<string> {
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return String(line).trim();
}

async function listening(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`it ended at once; it said: ${said().trim() || 'nothing'}`);
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it did not listen within 10 s; it said: ${said().trim() || 'nothing'}`);
}
