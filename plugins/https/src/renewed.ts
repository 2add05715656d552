import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@outrigger/core';

/** Files that belong together are written one after the other. */
const SETTLE_MS = 200;
/** Where the file system tells nothing (NFS, no watches left), they are looked at so often. */
const POLL_MS = 60_000;

export interface RenewedOptions<T> {
  readonly files: readonly string[];
  readonly first: T;
  readonly clock: Clock;
  /** Reads the files anew; throws an Error where what they hold is not good. */
  read(): T;
  swapped(value: T): void;
  /** Once for each error that differs from the one before. */
  refused(error: Error): void;
  /** Each time the files were looked at, changed or not. */
  looked?(): void;
}

/** What was read of files: read again when they change, and replaced where it is good. */
export class Renewed<T> {
  current: T;
  /** Why what the files hold now is not used; undefined where it is. */
  refusal: { readonly at: number; readonly error: string } | undefined;
  readonly #options: RenewedOptions<T>;
  readonly #watchers: FSWatcher[] = [];
  #digest: string;
  #settling: Disposable | undefined;
  #poll: Disposable | undefined;
  #disposed = false;

  constructor(options: RenewedOptions<T>) {
    this.#options = options;
    this.current = options.first;
    this.#digest = digest(options.files);
    for (const folder of new Set(options.files.map((file) => dirname(file)))) this.#watch(folder);
    this.#pollLater();
  }

  /** Looks at the files now. */
  look(): void {
    const { files, clock, read, swapped, refused, looked } = this.#options;
    const now = digest(files);
    if (now !== this.#digest || this.refusal !== undefined) {
      this.#digest = now;
      try {
        this.current = read();
        this.refusal = undefined;
        swapped(this.current);
      } catch (error) {
        const { message } = error as Error;
        const known = this.refusal?.error === message;
        if (!known) {
          this.refusal = { at: clock.wallTime(), error: message };
          refused(error as Error);
        }
      }
    }
    looked?.();
  }

  dispose(): void {
    this.#disposed = true;
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    this.#settling?.[Symbol.dispose]();
    this.#poll?.[Symbol.dispose]();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#lookSoon());
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // Polled, then.
    }
  }

  #lookSoon(): void {
    if (this.#disposed || this.#settling !== undefined) return;
    this.#settling = this.#options.clock.after(SETTLE_MS, () => {
      this.#settling = undefined;
      this.look();
    });
  }

  #pollLater(): void {
    this.#poll = this.#options.clock.after(POLL_MS, () => {
      this.#pollLater();
      this.look();
    });
  }
}

function digest(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    try {
      hash.update(readFileSync(file));
    } catch (error) {
      hash.update(String((error as NodeJS.ErrnoException).code));
    }
    hash.update('\0');
  }
  return hash.digest('hex');
}
