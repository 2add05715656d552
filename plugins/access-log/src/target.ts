import { closeSync, openSync, write } from 'node:fs';
import { Socket } from 'node:net';

/** Where lines go. No call waits for the outside: `done` is called when the text is out, or lost. */
export interface Target {
  /** For people. */
  readonly name: string;
  /** Throws where lines cannot go there. */
  open(): void;
  /** Not before the last one is done. `done` is not called before `write` returns. */
  write(text: string, done: (error?: Error | null) => void): void;
  /** Lets go of what may have been moved away, and opens its place anew. Throws where that fails; then the old one stays. */
  reopen(): void;
  close(): void;
}

/** `stdout`, or a file. */
export function targetAt(path: string): Target {
  if (path !== 'stdout') return new File(path);
  // Node writes pipes and sockets when they take it; everything else blocks in its stream, and goes through the thread pool.
  return process.stdout instanceof Socket && !process.stdout.isTTY ? new Pipe() : new StandardOutput();
}

class Pipe implements Target {
  readonly name = 'stdout';

  open(): void {
    process.stdout.on('error', ignore);
  }

  write(text: string, done: (error?: Error | null) => void): void {
    process.stdout.write(text, done);
  }

  reopen(): void {}

  close(): void {
    // An error of the last write comes later.
    setImmediate(() => process.stdout.off('error', ignore));
  }
}

/** That nobody reads any more ends no sidecar: the write that failed says so. */
function ignore(): void {}

/** A descriptor whose writes might block. */
abstract class Descriptor implements Target {
  abstract readonly name: string;
  protected abstract descriptor: number;

  abstract open(): void;
  abstract reopen(): void;
  abstract close(): void;

  write(text: string, done: (error?: Error | null) => void): void {
    this.#write(Buffer.from(text), done);
  }

  #write(bytes: Buffer, done: (error?: Error | null) => void): void {
    write(this.descriptor, bytes, (error, written) => {
      if (error === null && written < bytes.length) this.#write(bytes.subarray(written), done);
      else done(error);
    });
  }
}

class StandardOutput extends Descriptor {
  readonly name = 'stdout';
  protected readonly descriptor = 1;

  open(): void {}
  reopen(): void {}
  close(): void {}
}

class File extends Descriptor {
  readonly name: string;
  protected descriptor = -1;

  constructor(path: string) {
    super();
    this.name = path;
  }

  open(): void {
    this.descriptor = openSync(this.name, 'a', 0o640);
  }

  reopen(): void {
    const former = this.descriptor;
    this.open();
    if (former !== -1) closeSync(former);
  }

  close(): void {
    if (this.descriptor !== -1) closeSync(this.descriptor);
    this.descriptor = -1;
  }
}
