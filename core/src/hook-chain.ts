import type { Outcome } from './cause.ts';
import type { Address, Connection } from './connection.ts';
import type { Awaitable, Close, Reject } from './hooks.ts';
import type { Attempt, Message, Session, Side } from './session.ts';

export type Verdict = Reject | undefined;

/**
 * The hooks of one listener, flattened once at composition. A hook that no plugin implements is null, so that it costs a
 * comparison. The functions never throw and their promises never reject: a plugin's failure has become a verdict (its
 * `plugin` set) or a log line by then. A plain return means that no hook was asynchronous.
 */
export interface HookChain {
  readonly onAccept: ((peer: Address) => Verdict) | null;
  readonly onConnection: ((c: Connection) => Awaitable<Verdict>) | null;
  readonly onRequest: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onUpgrade: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onRoute: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onAttempt: ((s: Session, a: Attempt) => void) | null;
  readonly onAttemptEnd: ((s: Session, a: Attempt) => void) | null;
  readonly onResponse: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onOpen: ((s: Session) => void) | null;
  readonly onMessage: ((s: Session, m: Message) => Awaitable<undefined | 'drop' | Close>) | null;
  /** Whether a plugin of the chain wants the messages of this session; null where none has `onMessage`. */
  readonly watchesMessages: ((s: Session) => boolean) | null;
  readonly onPong: ((s: Session, side: Side, rttMs: number) => void) | null;
  readonly onSessionEnd: ((s: Session, o: Outcome) => void) | null;
  readonly onDisconnect: ((c: Connection) => void) | null;
}
