import type { Awaitable } from './hooks.ts';

/** When something must be over: `at` on {@link Clock.now}'s scale, in milliseconds. */
export interface Deadline {
  readonly at: number;
  /** Closes of long-lived sessions that may be sent per second while draining. */
  readonly rate: number;
  /** What WebSockets are closed with: 1001, or 1012 where the sidecar comes back. Default: what the cause says. */
  readonly closeCode?: number | undefined;
}

/** A plugin's own life. In plugin order on the way up, in reverse on the way down. */
export interface Lifecycle {
  /** Before any listener accepts; what fails here fails the start. */
  init?(): Awaitable<void>;
  /** After every `init`, before the listeners accept. */
  start?(): Awaitable<void>;
  /** A reload was asked for and is over, whether or not it changed anything: read again what you keep of files. */
  reload?(): Awaitable<void>;
  /** The listeners no longer accept; end what you hold by then. */
  drain?(by: Deadline): Awaitable<void>;
  /** Release everything. Runs even after a failed `init` or `start`, exactly once. */
  stop?(): Awaitable<void>;
}
