import { readFileSync } from 'node:fs';

/**
 * Keeps the process below its limit of file descriptors. Node closes what it cannot accept (EMFILE) without any event, and
 * a sidecar that has none left cannot reach its upstreams, or read a file, either. So an eighth (64 at least) is in reserve
 * for files and look-ups, and of the rest half at most is for who connects to us: each of them may need an upstream socket.
 * One for the process; acceptors and connectors count here.
 */
export class DescriptorBudget {
  readonly limit: number;
  readonly reserve: number;
  #open = 0;
  #accepted = 0;

  constructor(limit = openFilesLimit()) {
    this.limit = limit;
    this.reserve = Math.max(64, Math.ceil(limit / 8));
  }

  /** Sockets open now. */
  get open(): number {
    return this.#open;
  }

  /** Whether one more downstream connection may be accepted. */
  get mayAccept(): boolean {
    const usable = this.limit - this.reserve;
    return this.#open < usable && this.#accepted < usable / 2;
  }

  accepted(): void {
    this.#open++;
    this.#accepted++;
  }

  /** One that was accepted is gone. */
  left(): void {
    this.#open--;
    this.#accepted--;
  }

  opened(): void {
    this.#open++;
  }

  closed(): void {
    this.#open--;
  }
}

/** The soft limit of open files, as the process runs under it (Node raises it to the hard one at its start). */
function openFilesLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    if (line) return Number(line[1]);
  } catch {
    // No /proc: not Linux.
  }
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = Number(report.userLimits?.open_files?.soft);
  return Number.isFinite(soft) && soft > 0 ? soft : 1024;
}
