import {
  type Clock,
  type ConnectionHooks,
  createSlot,
  type Lifecycle,
  type Logger,
  type Metrics,
  type Outcome,
  type Session,
  Timer,
} from '@outrigger/core';
import type { Entry } from './entry.ts';
import { formatOf, type LineFormat } from './format.ts';
import { LineBuffer } from './line-buffer.ts';
import type { AccessLogSettings } from './settings.ts';
import { type Target, targetAt } from './target.ts';

/** What a WebSocket that is open keeps; not there where it has no line of its own before its end. */
const openWebSocket = createSlot<PeriodicLine>('access-log');

/** How long the end of the plugin waits for the last lines to be taken. */
const STOP_MS = 1_000;

/** A line for each session at its end, and for WebSockets those before. */
export class AccessLog implements Lifecycle {
  /** Only those that the settings need. */
  readonly hooks: ConnectionHooks;
  readonly #settings: AccessLogSettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #format: LineFormat;
  readonly #target: Target;
  readonly #lines: LineBuffer;

  constructor(settings: AccessLogSettings, clock: Clock, logger: Logger, metrics: Metrics) {
    this.#settings = settings;
    this.#clock = clock;
    this.#logger = logger;
    this.#format = formatOf(settings.format, settings.query);
    this.#target = targetAt(settings.path);
    this.#lines = new LineBuffer(this.#target, logger, metrics);
    const { start, every } = settings.websocket;
    const early = start || every !== Number.POSITIVE_INFINITY;
    this.hooks = {
      ...(early && { onOpen: (session: Session) => this.#opened(session) }),
      onSessionEnd: (session, outcome) => this.#ended(session, outcome),
    };
  }

  init(): void {
    try {
      this.#target.open();
    } catch (error) {
      throw new Error(
        `the access log cannot be written to ${this.#target.name}: ${(error as Error).message}; make its folder, or set path to another file`,
      );
    }
  }

  /** Whoever rotates the file has moved it away before. */
  async reload(): Promise<void> {
    await this.#lines.empty();
    try {
      this.#target.reopen();
    } catch (error) {
      this.#logger.error('the access log cannot be opened again; the file that was open stays', {
        target: this.#target.name,
        error: (error as Error).message,
      });
    }
  }

  /** Waits for the last lines, for a second at most. */
  async stop(): Promise<void> {
    let late: Disposable | undefined;
    const deadline = new Promise<void>((resolve) => {
      late = this.#clock.after(STOP_MS, resolve);
    });
    await Promise.race([this.#lines.empty(), deadline]);
    late?.[Symbol.dispose]();
    this.#target.close();
  }

  #opened(session: Session): void {
    const { start, every } = this.#settings.websocket;
    if (!this.#sampled(session)) return;
    if (start) this.#log('start', session, undefined);
    if (every === Number.POSITIVE_INFINITY) return;
    const line = new PeriodicLine(() => {
      this.#log('open', session, undefined);
      this.#clock.arm(line, every);
    });
    session.setState(openWebSocket, line);
    this.#clock.arm(line, every);
  }

  #ended(session: Session, outcome: Outcome): void {
    const line = session.state(openWebSocket);
    if (line !== undefined) this.#clock.disarm(line);
    const well = outcome.cause === 'complete' && (outcome.status ?? 0) < 500;
    if (well && !this.#sampled(session)) return;
    this.#log('end', session, outcome);
  }

  /** The same answer for all lines of a session, without keeping it: the id decides. */
  #sampled({ id }: Session): boolean {
    const { sample } = this.#settings;
    return sample === 1 || share(id) < sample;
  }

  #log(event: Entry['event'], session: Session, outcome: Outcome | undefined): void {
    this.#lines.add(this.#format({ event, session, outcome, at: this.#clock.wallTime() }));
  }
}

/** A number from 0 to 1 that an id always has (FNV-1a, 32 bits, with a finish that reaches the high bits). */
function share(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

class PeriodicLine extends Timer {
  readonly expired: () => void;

  constructor(expired: () => void) {
    super();
    this.expired = expired;
  }
}
