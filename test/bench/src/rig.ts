import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, freePorts } from '../../support/free-port.ts';
import { type Certificate, certificateIn } from './certificate.ts';
import { Load, type Loaded } from './load.ts';
import { compiled } from './native.ts';
import {
  cpuTime,
  end,
  endAll,
  halt,
  LOAD_CORE,
  line,
  pinned,
  proceed,
  residentBytes,
  SUBJECT_CORE,
} from './processes.ts';
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

/** What comes of a load that has ended. */
const NOTHING: Loaded = { units: 0, failures: 1, seconds: 1, p50: Number.NaN, p99: Number.NaN };

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
    await line(pinned(LOAD_CORE, [compiled('upstream'), String(this.#upstreamPort)]));
    const collector = pinned(LOAD_CORE, [process.execPath, fileURLToPath(new URL('./collector.ts', import.meta.url))]);
    this.#collectorPort = Number(await line(collector));
    this.#certificate = certificateIn(this.folder);
  }

  /** Ends everything, and removes what was written. */
  stop(): void {
    endAll();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async begin(subject: Subject, workload: Workload): Promise<RunningSubject> {
    const ports = await freePorts(subject.listeners ?? 1);
    const folder = join(this.folder, String(ports[0]));
    mkdirSync(folder, { recursive: true });
    const { command, env } = subject.command({
      port: ports[0]!,
      ports,
      upstreamPort: this.#upstreamPort,
      collectorPort: this.#collectorPort,
      folder,
      ...(workload.tls && { tls: this.#certificate }),
    });
    const child = pinned(SUBJECT_CORE, command, env);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (said += data));
    const load = [this.#load, workload.mode, '127.0.0.1', ports.join(','), ...workload.args.map(String)];
    if (workload.requests !== undefined) {
      const file = join(folder, 'requests');
      writeFileSync(file, workload.requests.join('\n'));
      load.push(file);
    }
    const running = new RunningSubject(subject, workload, child, load);
    try {
      for (const port of ports) await listening(port, child, () => said);
      await running.open();
    } catch (error) {
      await running.end();
      throw error;
    }
    return running;
  }
}

/** A subject that listens. */
export class RunningSubject {
  readonly subject: Subject;
  readonly workload: Workload;
  readonly #child: ChildProcess;
  readonly #command: readonly string[];
  #load: Load | undefined;

  /** `load`: the command of its load. */
  constructor(subject: Subject, workload: Workload, child: ChildProcess, load: readonly string[]) {
    this.subject = subject;
    this.workload = workload;
    this.#child = child;
    this.#command = load;
  }

  /** Opens the connections, unless that is what is measured. From then on it stands still but for its slices. */
  async open(): Promise<void> {
    if (this.workload.mode === 'idle') return;
    this.#load = await Load.open(this.#command, Number(this.workload.args[0]));
    halt(this.#child.pid!);
  }

  async measure(seconds: number): Promise<Sample> {
    if (this.workload.mode === 'idle') return this.#hold();
    const pid = this.#child.pid!;
    const before = cpuTime(pid);
    proceed(pid);
    const { units, failures, p50, p99, seconds: took } = await this.#load!.slice(seconds).catch(() => NOTHING);
    const spent = cpuTime(pid) - before;
    halt(pid);
    const done = units * (this.workload.units ?? 1);
    return { cost: done === 0 ? Number.NaN : spent / 1_000 / done, perSecond: done / took, failures, p50, p99 };
  }

  async end(): Promise<void> {
    await this.#load?.end();
    await end(this.#child);
  }

  /** Memory of connections that do nothing. */
  async #hold(): Promise<Sample> {
    const before = residentBytes(this.#child.pid!);
    const load = pinned(LOAD_CORE, this.#command);
    const { open, failures } = JSON.parse(await line(load)) as { open: number; failures: number };
    const cost = (residentBytes(this.#child.pid!) - before) / open;
    const ended = once(load, 'exit');
    load.stdin!.end();
    await ended;
    return { cost, perSecond: 0, failures, p50: 0, p99: 0 };
  }
}

async function listening(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (let i = 0; i < 1_200; i++) {
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
  throw new Error(`it did not listen within 60 s; it said: ${said().trim() || 'nothing'}`);
}
