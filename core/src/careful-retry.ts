import type { Cause } from './cause.ts';
import type { Retry, RetryPolicy } from './retry.ts';
import type { Attempt, Session } from './session.ts';

/** Methods that may be sent twice without harm (RFC 9110 §9.2.2). */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** The connect failed: not one byte of the request has gone up. */
export const CONNECT_FAILURES: ReadonlySet<Cause> = new Set<Cause>([
  'connect-refused',
  'connect-timeout',
  'connect-failed',
  'upstream-tls',
  'upstream-certificate',
]);

/** As many endpoints are asked, at most (HAProxy's `retries 3`). */
const MAX_ATTEMPTS = 4;

const ELSEWHERE: Retry = { delayMs: 0, sameEndpoint: false };
const AGAIN: Retry = { delayMs: 0, sameEndpoint: true };

/**
 * What holds where no plugin has a policy: a connect that failed or timed out is tried at another endpoint, since nothing was
 * sent. Where the request may be repeated (RFC 9112 §9.3.1), so is one that was reset before its response head; a pooled
 * connection that turns out to be stale is replaced first. An endpoint that is slow to answer is still at work: asking a second
 * one doubles the load when there is too much of it already, so that `timeouts.response` ends the request (as in Envoy).
 */
export const carefulRetry: RetryPolicy = {
  keepBody: () => 0,
  onFailure(session: Session, attempt: Attempt): Retry | undefined {
    const cause = attempt.failure?.cause;
    if (cause === undefined || attempt.number >= MAX_ATTEMPTS) return undefined;
    if (CONNECT_FAILURES.has(cause)) return ELSEWHERE;
    if (!IDEMPOTENT.has(session.request.method)) return undefined;
    if (cause !== 'upstream-reset') return undefined;
    return attempt.reused ? AGAIN : ELSEWHERE;
  },
};
