import { AttemptRecord } from './attempt-record.ts';
import { type Cause, describeCause, type Initiator, type Outcome } from './cause.ts';
import { type Clock, Timer } from './clock.ts';
import type { Cluster, Endpoint, Sample } from './cluster.ts';
import type { EndpointRecord } from './cluster-registry.ts';
import type { Connection } from './connection.ts';
import type { RequestHead, ResponseHead } from './headers.ts';
import type { HookChain } from './hook-chain.ts';
import { chainForSession } from './hook-timing.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { Route } from './router.ts';
import {
  type Attempt,
  type BodyTransform,
  type EventStreamControl,
  type Failure,
  type MessageCounter,
  type Session,
  type Side,
  type SizeWatcher,
  type Slot,
  slotCount,
  type WebSocketControl,
} from './session.ts';

/** What ends a session, beside its cause; all of it optional. */
export interface Ending {
  readonly error?: Error | undefined;
  readonly initiator?: Initiator | undefined;
  /** Close codes that went up and came from upstream. */
  readonly upstreamCloseCodeSent?: number | undefined;
  readonly upstreamCloseCodeReceived?: number | undefined;
}

/**
 * The books of one session, whatever its protocol: its attempts, its endpoint's counts, its state, and that it ends exactly
 * once. A protocol extends it with its heads and its data path.
 */
export abstract class SessionRecord implements Session {
  abstract readonly id: string;
  abstract readonly request: RequestHead;
  abstract readonly response: ResponseHead | undefined;
  abstract readonly websocket: WebSocketControl | undefined;
  abstract readonly eventStream: EventStreamControl | undefined;
  readonly kind: 'http' | 'websocket';
  readonly connection: Connection;
  /** Those that are called for this session: less of them, once a plugin ignores it. */
  hooks: HookChain;
  readonly generation: number;
  /** Monotonic milliseconds. */
  readonly began: number;
  route: Route | undefined = undefined;
  cluster: Cluster | undefined = undefined;
  messageTally: MessageCounter | undefined = undefined;
  ended = false;

  // Owned by OpenSessions.
  previous: SessionRecord | null = null;
  next: SessionRecord | null = null;

  // Read by the outcome.
  bytesReceived = 0;
  bytesSent = 0;
  messagesReceived = 0;
  messagesSent = 0;
  undelivered = 0;
  closeCodeSent: number | undefined = undefined;
  closeCodeReceived: number | undefined = undefined;
  status: number | undefined = undefined;
  plugin: string | undefined = undefined;

  readonly clock: Clock;
  private readonly openSessions: OpenSessions;
  private allAttempts: AttemptRecord[] | undefined = undefined;
  /** The current attempt: the last one begun. */
  attempt: AttemptRecord | undefined = undefined;
  private held: EndpointRecord | undefined = undefined;
  private slots: unknown[] | undefined = undefined;
  private aborter: AbortController | undefined = undefined;
  private expiry: ExpiryTimer | undefined = undefined;
  private sizeWatchers: SizeWatcher[] | undefined = undefined;

  constructor(
    kind: 'http' | 'websocket',
    connection: Connection,
    hooks: HookChain,
    generation: number,
    clock: Clock,
    open: OpenSessions,
  ) {
    this.kind = kind;
    this.connection = connection;
    this.hooks = chainForSession(hooks);
    this.generation = generation;
    this.clock = clock;
    this.openSessions = open;
    this.began = clock.turn();
    open.add(this);
  }

  /** Ends the session from outside: a plugin, an admin, its expiry, a drain. */
  abstract close(cause: Cause, code?: number, reason?: string): void;
  abstract transformRequest(transform: BodyTransform): void;
  abstract transformResponse(transform: BodyTransform): void;

  get startedAt(): number {
    return this.began + this.clock.epoch;
  }

  get attempts(): readonly Attempt[] {
    return this.allAttempts ?? (this.attempt ? [this.attempt] : []);
  }

  get signal(): AbortSignal {
    if (this.aborter === undefined) {
      this.aborter = new AbortController();
      if (this.ended) this.aborter.abort();
    }
    return this.aborter.signal;
  }

  get expiresAt(): number | undefined {
    return this.expiry?.wallTime;
  }

  set expiresAt(wallTime: number | undefined) {
    if (Number.isNaN(wallTime)) throw new TypeError('expiresAt: not a number');
    if (this.ended) return;
    this.expiry ??= new ExpiryTimer(this);
    this.expiry.wallTime = wallTime;
    this.clock.arm(this.expiry, wallTime === undefined ? Number.POSITIVE_INFINITY : wallTime - this.clock.wallTime());
  }

  state<T>(slot: Slot<T>): T | undefined {
    return this.slots?.[slot.index] as T | undefined;
  }

  setState<T>(slot: Slot<T>, value: T): void {
    // Exactly as many as there are: an array that grows takes twice the room, and a WebSocket may live for days.
    this.slots ??= new Array<unknown>(slotCount());
    this.slots[slot.index] = value;
  }

  watchSizes(watcher: SizeWatcher): void {
    this.sizeWatchers ??= [];
    this.sizeWatchers.push(watcher);
  }

  /** A WebSocket message from `side`, text (1) or binary (2), of so many bytes, is passed on whole. */
  countMessage(side: Side, opcode: number, bytes: number): void {
    if (side === 'downstream') this.messagesReceived++;
    else this.messagesSent++;
    if (this.messageTally !== undefined) this.messageTally.count(side, opcode, bytes);
    if (this.sizeWatchers !== undefined) for (const watcher of this.sizeWatchers) watcher(side, bytes);
  }

  /** Begins a try: the endpoint counts the session, `onAttempt` is called. `reused` is what the pool says it would give. */
  beginAttempt(endpoint: Endpoint, reused: boolean): AttemptRecord {
    const attempt = new AttemptRecord((this.attempt?.number ?? 0) + 1, endpoint, this.clock.turn());
    attempt.reused = reused;
    if (this.attempt !== undefined) {
      this.allAttempts ??= [this.attempt];
      this.allAttempts.push(attempt);
    }
    this.attempt = attempt;
    this.release();
    this.held = endpoint as EndpointRecord;
    this.held.picks++;
    if (this.kind === 'http') this.held.requests++;
    else this.held.streams++;
    if (this.cluster?.observing) this.cluster.observe(endpoint, BEGIN);
    if (this.hooks.onAttempt !== null) this.hooks.onAttempt(this, attempt);
    return attempt;
  }

  /** The current try has its response head, or failed. Further calls for the same try do nothing. */
  endAttempt(failure?: Failure): void {
    const attempt = this.attempt;
    if (attempt === undefined || attempt.ended) return;
    attempt.ended = true;
    attempt.failure = failure;
    if (failure !== undefined) (attempt.endpoint as EndpointRecord).failures++;
    else if (attempt.status !== undefined && attempt.status >= 500) (attempt.endpoint as EndpointRecord).serverErrors++;
    const cluster = this.cluster;
    if (cluster?.observing) {
      if (failure !== undefined) cluster.observe(attempt.endpoint, FAILURE);
      else if (attempt.headMs !== undefined) cluster.observe(attempt.endpoint, { kind: 'head', ms: attempt.headMs });
    }
    if (this.hooks.onAttemptEnd !== null) this.hooks.onAttemptEnd(this, attempt);
  }

  /** Ends the session's books, once; says whether this call did. The data path has to have let go of it by then. */
  finish(cause: Cause, ending?: Ending): boolean {
    if (this.ended) return false;
    this.ended = true;
    if (this.expiry !== undefined) this.clock.disarm(this.expiry);
    if (this.attempt !== undefined && !this.attempt.ended) this.endAttempt({ cause, error: ending?.error });
    this.release();
    this.openSessions.remove(this);
    if (this.hooks.onSessionEnd !== null) this.hooks.onSessionEnd(this, this.outcomeOf(cause, ending));
    this.aborter?.abort();
    return true;
  }

  private release(): void {
    const endpoint = this.held;
    if (endpoint === undefined) return;
    this.held = undefined;
    if (this.kind === 'http') endpoint.requests--;
    else endpoint.streams--;
    if (this.cluster?.observing) this.cluster.observe(endpoint, END);
  }

  /** What ends in the turn in which it began was held up by its hooks alone, which only the clock itself can tell. */
  private duration(): number {
    const now = this.clock.turn();
    return (now === this.began ? this.clock.now() : now) - this.began;
  }

  private outcomeOf(cause: Cause, ending: Ending | undefined): Outcome {
    return {
      cause,
      initiator: ending?.initiator ?? describeCause(cause).source,
      status: this.status,
      closeCodeSent: this.closeCodeSent,
      closeCodeReceived: this.closeCodeReceived,
      upstreamCloseCodeSent: ending?.upstreamCloseCodeSent,
      upstreamCloseCodeReceived: ending?.upstreamCloseCodeReceived,
      generation: this.generation,
      plugin: cause.startsWith('plugin:') ? cause.slice(7) : this.plugin,
      error: ending?.error,
      durationMs: this.duration(),
      bytesReceived: this.bytesReceived,
      bytesSent: this.bytesSent,
      messagesReceived: this.messagesReceived,
      messagesSent: this.messagesSent,
      undelivered: this.undelivered,
    };
  }
}

const BEGIN: Sample = { kind: 'begin', ms: 0 };
const FAILURE: Sample = { kind: 'failure', ms: 0 };
const END: Sample = { kind: 'end', ms: 0 };

class ExpiryTimer extends Timer {
  wallTime: number | undefined = undefined;
  readonly #session: SessionRecord;

  constructor(session: SessionRecord) {
    super();
    this.#session = session;
  }

  expired(): void {
    this.#session.close('expired');
  }
}
