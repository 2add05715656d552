import type { Attempt, Session } from './session.ts';

/** Try once more, after `delayMs` (0: at once). */
export interface Retry {
  readonly delayMs: number;
  /** Whether the same endpoint may be asked again. */
  readonly sameEndpoint: boolean;
}

/** Decides whether a failed attempt is repeated. One plugin provides it; without one, core's own careful policy holds. */
export interface RetryPolicy {
  /** How many bytes of the request's body to keep for a repetition, 0 to 65,536. Asked once, when the session is routed. */
  keepBody(session: Session): number;
  /** Milliseconds that an attempt may take to its response head, where that is less than `timeouts.response`; asked for each. */
  attemptTimeout?(session: Session): number;
  /** Nothing was sent down yet: repeat? Asked for failures and for response heads alike. */
  onFailure(session: Session, attempt: Attempt): Retry | undefined;
}
