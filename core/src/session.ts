import type { Cause } from './cause.ts';
import type { Cluster, Endpoint } from './cluster.ts';
import type { Connection } from './connection.ts';
import type { HeaderOverlay, RequestHead, ResponseHead } from './headers.ts';
import type { Awaitable } from './hooks.ts';
import type { Route } from './router.ts';

/** A leg of a session: towards who connected to us, or towards the endpoint. */
export type Side = 'downstream' | 'upstream';

declare const slotType: unique symbol;
/** A typed place in every session for one plugin's own state; an array index, so that access is free. */
export interface Slot<T> {
  readonly name: string;
  readonly index: number;
  readonly [slotType]?: T;
}

let slots = 0;
/** Allots a slot. Call it once per plugin, at module level or in `bind`, never on a session's way. */
export function createSlot<T>(name: string): Slot<T> {
  return { name, index: slots++ };
}

/** Slots that were allotted so far. */
export function slotCount(): number {
  return slots;
}

/** One HTTP exchange, or one WebSocket from its upgrade to its close (Pingora's word). */
export interface Session {
  /** The `x-request-id`: the client's where it sent a usable one, else 32 random hexadecimal digits. */
  readonly id: string;
  readonly kind: 'http' | 'websocket';
  readonly connection: Connection;
  /** Number of the generation that the session began with and keeps. */
  readonly generation: number;
  readonly request: RequestHead;
  /** Set from `onResponse` on. */
  readonly response?: ResponseHead | undefined;
  /** Set from `onRoute` on, where a route matched. */
  readonly route?: Route | undefined;
  /** Where the session goes. A hook up to `onRoute` may set it; before routing, this skips the router. */
  cluster?: Cluster | undefined;
  /** The tries so far, the current one last. */
  readonly attempts: readonly Attempt[];
  /** Set from `onOpen` to the end of a WebSocket. */
  readonly websocket?: WebSocketControl | undefined;
  /** Set from `onEventStream` to the end of a stream of server-sent events. */
  readonly eventStream?: EventStreamControl | undefined;
  /** Bytes that came from downstream and went down so far, heads and framing included. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Whole WebSocket messages passed on so far, from downstream and from upstream. 0 on the bytes plane. */
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Wall-clock milliseconds at which the session is ended with `expired`; a hook may set it, and move it, at any time. */
  expiresAt?: number | undefined;
  /** Aborted when the session ends; made when it is first asked for. */
  readonly signal: AbortSignal;
  /** Wall-clock milliseconds at which the head was complete. */
  readonly startedAt: number;
  /**
   * From now on `watcher` is told of each WebSocket message that is passed on: which side it came from, and the bytes of its
   * payload, compressed where it travelled so. It is called often, and must not throw. The bytes plane knows of no messages.
   */
  watchSizes(watcher: SizeWatcher): void;
  /** Where the messages of this WebSocket are counted together with those of others; the plugin that keeps metrics sets it. */
  messageTally?: MessageCounter | undefined;
  state<T>(slot: Slot<T>): T | undefined;
  setState<T>(slot: Slot<T>, value: T): void;
  /**
   * Passes the body through `transform` on its way up. Only from hooks up to `onRoute`. Content-Length goes, the body becomes
   * chunked. Several run in the order they were attached. Throws where it is too late, and on WebSockets.
   */
  transformRequest(transform: BodyTransform): void;
  /** The same for the response's body; only from hooks up to `onResponse`. Several run in the order they were attached. */
  transformResponse(transform: BodyTransform): void;
  /**
   * Ends the session; a second call does nothing. A WebSocket is closed with what the cause says, or with `code` (throws a
   * RangeError where it may not be sent) and `reason`, at most 123 bytes of UTF-8, which is the cause's name otherwise. An
   * event stream ends behind its current event.
   */
  close(cause: Cause, code?: number, reason?: string): void;
}

/** Counts a message, a Ping or a Pong that is passed on: `opcode` is RFC 6455's, `bytes` those of its payload. Must not throw. */
export interface MessageCounter {
  count(from: Side, opcode: number, bytes: number): void;
}

export type SizeWatcher = (from: Side, bytes: number) => void;

/** Why an attempt failed. */
export interface Failure {
  readonly cause: Cause;
  readonly error?: Error | undefined;
}

/** One try at one endpoint. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly endpoint: Endpoint;
  /** Monotonic milliseconds ({@link Clock.now}) at which the endpoint was picked. */
  readonly startedAt: number;
  /** Headers for this try only. Writable in `onAttempt`. */
  readonly headers: HeaderOverlay;
  /** Whether the socket came out of the pool. */
  readonly reused: boolean;
  /** Milliseconds that the connect took; undefined on a pooled socket, or while it is not done. */
  readonly connectMs?: number | undefined;
  /** Milliseconds from the head going up to the response's head being complete. */
  readonly headMs?: number | undefined;
  readonly status?: number | undefined;
  /** Set in `onAttemptEnd` where the attempt failed. */
  readonly failure?: Failure | undefined;
}

/** An open WebSocket in the hands of a hook. Every call is a no-op once the session has ended. */
export interface WebSocketControl {
  /**
   * Sends a Ping between two frames; its Pong comes to `onPong` and goes no further. One at a time for each side: while one
   * waits for its Pong, or for a frame to end, a further call does nothing. Not on the bytes plane.
   */
  ping(side: Side): void;
  /** Whether nothing is read (the bytes plane): nothing of ours can be sent, and messages are not counted. */
  readonly opaque: boolean;
  /** Monotonic milliseconds at which the Ping went out that waits for its Pong; undefined where none does. */
  pingSentAt(side: Side): number | undefined;
  /** Sends a message of ours to `side`, between two messages. */
  send(side: Side, data: Buffer | string, binary: boolean): void;
  /**
   * Sends a Close to `side` after what was received whole for it, and ends the other side the same way. `reason` is at
   * most 123 bytes of UTF-8. From within a hook the outcome's cause names the plugin; elsewhere it is `plugin-closed`, and
   * `session.close('plugin:<name>', code, reason)` says whose it is.
   */
  close(side: Side, code: number, reason?: string): void;
  /**
   * Gives `side` up, whose peer is taken for dead: its connection is cut at once, and the other side is closed with what the
   * cause says. For causes whose `closeCode` is 0 the other side is cut, too.
   */
  giveUp(side: Side, cause: Cause): void;
  /** Monotonic milliseconds ({@link Clock.now}) at which the last byte came from `side`, or up to a tick (100 ms) before. */
  lastByteAt(side: Side): number;
  /** Bytes that wait to be taken by the kernel on their way to `side`. */
  buffered(side: Side): number;
}

/** A response of server-sent events (`text/event-stream`) in the hands of a hook. No-ops once the session has ended. */
export interface EventStreamControl {
  /** Monotonic milliseconds ({@link Clock.now}) at which the last byte went down. */
  readonly lastByteAt: number;
  /** Sends a comment, which clients ignore, where the stream stands between two events; says whether it did. */
  comment(): boolean;
}

/** One WebSocket message, inflated and unmasked. */
export interface Message {
  readonly from: Side;
  readonly binary: boolean;
  /** May be replaced by the hook. */
  data: Buffer;
}

/**
 * Changes a body on its way. A pending promise pauses the source; `emit` may be called until it settles. An error ends
 * the session with the cause `internal`: 500 while nothing has gone down, else the client sees that the body is not whole.
 */
export interface BodyTransform {
  /** Once for each piece of the body, in order; `chunk` is lent for the length of the call and of its promise. */
  write(chunk: Buffer, emit: (bytes: Buffer) => void): Awaitable<void>;
  /** Once, after the last piece. */
  end(emit: (bytes: Buffer) => void): Awaitable<void>;
}
