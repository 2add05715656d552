import type { Outcome } from './cause.ts';
import type { Configuration, ListenerSpec } from './configuration.ts';
import type { Address, Connection } from './connection.ts';
import type { Attempt, Message, Session, Side } from './session.ts';

export type Awaitable<T> = T | PromiseLike<T>;

/** A hook's verdict that ends a session early. Made by {@link reject}. */
export interface Reject {
  readonly kind: 'reject';
  /** 400 to 599, or a 3xx with a `location`. On `onAccept` and `onConnection` nothing is answered: the connection is closed. */
  readonly status: number;
  /** The body of the answer, as plain text. */
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Set by the chain: the plugin whose verdict this is. */
  readonly plugin?: string | undefined;
}

/** Refuses a session: `return reject(403, 'missing x-tenant')`. Throws a RangeError on a status outside 200 to 599. */
export function reject(status: number, reason: string, headers?: Readonly<Record<string, string>>): Reject {
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new RangeError(`reject: the status must be an integer from 200 to 599, not ${status}`);
  return { kind: 'reject', status, reason, headers };
}

/** A hook's verdict that leaves a session to the others. It is {@link ignore}. */
export interface Ignore {
  readonly kind: 'ignore';
}

/**
 * Leaves a session alone: `return ignore` from `onRequest`, `onUpgrade`, `onRoute` or `onResponse`, and none of the hooks that were bound
 * together with that one is called for this session again, `onSessionEnd` included. The session goes on as if the hook had returned
 * nothing. What looks at a share of the sessions so costs one call for each of the rest.
 */
export const ignore: Ignore = Object.freeze({ kind: 'ignore' });

/** A hook's verdict that closes a WebSocket. Made by {@link close}. */
export interface Close {
  readonly kind: 'close';
  readonly code: number;
  readonly reason: string;
  readonly plugin?: string | undefined;
}

/** Closes a WebSocket from `onMessage`: `return close(1008, 'policy')`. Throws a RangeError on a code that may not be sent. */
export function close(code: number, reason = ''): Close {
  if (!isSendableCloseCode(code))
    throw new RangeError(`close: ${code} is not a close code that may be sent (RFC 6455 §7.4)`);
  if (Buffer.byteLength(reason) > 123) throw new RangeError('close: the reason is over 123 bytes (RFC 6455 §5.5)');
  return { kind: 'close', code, reason };
}

/** Codes that may stand in a Close frame (RFC 6455 §7.4.1 and the IANA registry). */
export function isSendableCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}

/**
 * The life cycle, in order. Implement what you need; what no plugin implements costs nothing.
 *
 * Hooks towards upstream run in plugin order, those on the way back in reverse. A returned promise is awaited (within the
 * plugin's `timeout`, 10 s by default), a plain value is not: prefer plain values, an await costs 20 to 30 times the call.
 * A hook that throws, rejects or never settles ends its session by the plugin's `onError` (closed: 500 or 1011; open: as if
 * it had returned nothing), never the process.
 */
export interface ConnectionHooks {
  /**
   * Whether `configuration` asks for these hooks on `listener`. Asked once for each listener of each generation; where the answer
   * is false they are left out there and cost nothing. Missing: they are called.
   */
  wanted?(configuration: Configuration, listener: ListenerSpec): boolean;
  /** A socket was accepted; before TLS, before a byte is read. Once per socket, synchronous. A reject closes it unanswered. */
  onAccept?(peer: Address): undefined | void | Reject;
  /** The transport is established and no application byte was read. Once per connection. */
  onConnection?(connection: Connection): Awaitable<undefined | void | Reject>;
  /** A request's head is complete and valid. Once per session, WebSocket handshakes too. */
  onRequest?(session: Session): Awaitable<undefined | void | Reject | Ignore>;
  /** A WebSocket handshake is valid. Once, after `onRequest`. */
  onUpgrade?(session: Session): Awaitable<undefined | void | Reject | Ignore>;
  /** Route, its settings and cluster are known. Once per session that is routed. */
  onRoute?(session: Session): Awaitable<undefined | void | Reject | Ignore>;
  /** An endpoint was picked, the head is about to go up. Once per try; set headers for it here. */
  onAttempt?(session: Session, attempt: Attempt): void;
  /** A try has its response head, or failed. Exactly once per `onAttempt`. */
  onAttemptEnd?(session: Session, attempt: Attempt): void;
  /** A final head is about to go down: an upstream's, a 101, or a local reply (`response.local`). Not other 1xx. */
  onResponse?(session: Session): Awaitable<undefined | void | Reject | Ignore>;
  /** The 101 was written. Once per opened WebSocket. */
  onOpen?(session: Session): void;
  /** The head of a response of server-sent events was written. Once per such session; `session.eventStream` is set. */
  onEventStream?(session: Session): void;
  /**
   * One WebSocket message, whole and inflated. A pending promise pauses its direction; a Close never overtakes it. Put
   * other bytes into `message.data` to change it.
   */
  onMessage?(session: Session, message: Message): Awaitable<undefined | void | 'drop' | Close>;
  /** Asked once at the 101: does this session need `onMessage`? Where every plugin with `onMessage` says no, frames pass untouched. */
  watchesMessages?(session: Session): boolean;
  /** A ping of ours was answered, after `rttMs` milliseconds. */
  onPong?(session: Session, side: Side, rttMs: number): void;
  /** The session is over, whatever happened. Exactly once per session. */
  onSessionEnd?(session: Session, outcome: Outcome): void;
  /** The connection is gone. Exactly once per connection that reached `onConnection`. */
  onDisconnect?(connection: Connection): void;
}

/** The names of the hooks, in the order of the life cycle. */
export const HOOKS = [
  'onAccept',
  'onConnection',
  'onRequest',
  'onUpgrade',
  'onRoute',
  'onAttempt',
  'onAttemptEnd',
  'onResponse',
  'onOpen',
  'onEventStream',
  'onMessage',
  'watchesMessages',
  'onPong',
  'onSessionEnd',
  'onDisconnect',
] as const satisfies readonly (keyof ConnectionHooks)[];
