import {
  type Attempt,
  type Cause,
  type Cluster,
  CONNECT_FAILURES,
  type ConnectionHooks,
  carefulRetry,
  createSlot,
  type Endpoint,
  IDEMPOTENT,
  type Metrics,
  type Retry,
  type RetryPolicy,
  type Session,
} from '@outrigger/core';
import { counted, type Load, loadOf, wantsCounts } from './load.ts';
import { type LimitSettings, MIN_RETRIES, type RetryReason, type RetrySettings } from './settings.ts';

/** A session's retry while it is under way: who counts it, and which attempt it is. */
const retrying = createSlot<{ readonly load: Load; number: number } | undefined>('retry');

const AGAIN: Retry = { delayMs: 0, sameEndpoint: true };

const REASONS: Partial<Record<Cause, RetryReason>> = {
  ...Object.fromEntries([...CONNECT_FAILURES].map((cause) => [cause, 'connect-failure'])),
  'upstream-reset': 'reset',
  'upstream-response-timeout': 'timeout',
  'upstream-handshake': 'handshake',
};

/**
 * `retry:`, within a budget: retries that are under way are at most `budget` of the cluster's open sessions, or `limits.retries`
 * where that is more (Envoy's retry budget), so that a cluster that fails as a whole is not asked several times as much. A failed
 * connect that goes elsewhere is not counted, since it asks nobody twice: when an endpoint dies under load, nothing is lost for
 * lack of budget. An endpoint that was asked is asked again only where no other is left. Clusters without the section have core's
 * careful policy.
 */
export class Retries implements RetryPolicy {
  readonly hooks: ConnectionHooks;
  readonly #random: () => number;
  readonly #done: { with(...labels: string[]): { add(): void } };

  constructor(metrics: Metrics, random: () => number = Math.random) {
    this.#random = random;
    this.#done = metrics.counter('outrigger_retries_total', {
      doc: 'Attempts that were tried again, and those that the budget kept from it.',
      labels: ['cluster', 'result'],
    });
    const over = (session: Session) => {
      const retry = session.state(retrying);
      if (retry === undefined) return;
      retry.load.retries--;
      session.setState(retrying, undefined);
    };
    this.hooks = {
      wanted: wantsCounts,
      onAttemptEnd: (session, { number }) => {
        // Where one more was decided on, the number is the next one's by now.
        if (session.state(retrying)?.number === number) over(session);
      },
      onSessionEnd: over,
    };
  }

  keepBody({ cluster }: Session): number {
    return settingsOf(cluster)?.body ?? 0;
  }

  attemptTimeout({ cluster }: Session): number {
    return settingsOf(cluster)?.perTryTimeout ?? Number.POSITIVE_INFINITY;
  }

  onFailure(session: Session, attempt: Attempt): Retry | undefined {
    const cluster = session.cluster!;
    const settings = settingsOf(cluster);
    if (settings === undefined) return attempt.failure === undefined ? undefined : this.#careful(session, attempt);
    const { failure, status = 0 } = attempt;
    if (failure === undefined && status < 400) return undefined;
    const reason = failure === undefined ? undefined : REASONS[failure.cause];
    const { method } = session.request;
    const repeatable = reason === 'connect-failure' || IDEMPOTENT.has(method) || settings.methods.includes(method);
    if (!repeatable) return undefined;
    // The endpoint had closed a pooled connection when we wrote: that is no failure of its own.
    if (reason === 'reset' && attempt.reused) return AGAIN;
    if (!settings.on.some((one) => fits(one, reason, failure === undefined ? status : 0))) return undefined;

    const { attempts } = session;
    const retries = attempts.reduce((count, one) => count + (isStale(one) ? 0 : 1), 0);
    if (retries > settings.attempts) return undefined;
    const other = cluster.pick(session, endpointsOf(attempts)) !== undefined;
    // A response is better than none.
    if (!other && failure === undefined) return undefined;
    // Nothing was sent: whoever gets it instead gets it once.
    const free = reason === 'connect-failure' && other;
    if (!this.#allowed(session, attempt, settings, free)) return undefined;
    return { delayMs: other && retries === 1 ? 0 : this.#backoff(settings, retries), sameEndpoint: !other };
  }

  /** Where there is no section. A stale connection that is replaced counts as no retry, here and elsewhere. */
  #careful(session: Session, attempt: Attempt): Retry | undefined {
    const retry = carefulRetry.onFailure(session, attempt);
    const { cluster } = session;
    if (retry?.sameEndpoint === false && cluster?.pick(session, endpointsOf(session.attempts)) !== undefined)
      this.#done.with(cluster.name, 'retried').add();
    return retry;
  }

  #allowed(session: Session, { number }: Attempt, { budget }: RetrySettings, free: boolean): boolean {
    const cluster = session.cluster!;
    const load = loadOf(cluster);
    const mine = session.state(retrying);
    const least = (cluster.settings['limits'] as LimitSettings | undefined)?.retries ?? MIN_RETRIES;
    const others = load.retries - (mine === undefined ? 0 : 1);
    const allowed = free || others < Math.max(least, budget * load.sessions);
    this.#done.with(cluster.name, allowed ? 'retried' : 'over-budget').add();
    if (!allowed) return false;
    if (mine !== undefined) mine.number = number + 1;
    else if (!free && session.state(counted) !== undefined) {
      load.retries++;
      session.setState(retrying, { load, number: number + 1 });
    }
    return true;
  }

  #backoff({ backoff: { base, max } }: RetrySettings, retries: number): number {
    return Math.min(max, base * 2 ** (retries - 1)) * (0.5 + this.#random() / 2);
  }
}

function settingsOf(cluster: Cluster | undefined): RetrySettings | undefined {
  return cluster?.settings['retry'] as RetrySettings | undefined;
}

function fits(on: RetryReason | number, reason: RetryReason | undefined, status: number): boolean {
  if (on === '5xx') return status >= 500;
  if (on === 'gateway-error') return status >= 502 && status <= 504;
  return typeof on === 'number' ? on === status : on === reason;
}

function isStale({ reused, failure }: Attempt): boolean {
  return reused && failure?.cause === 'upstream-reset';
}

function endpointsOf(attempts: readonly Attempt[]): Endpoint[] {
  return attempts.map(({ endpoint }) => endpoint);
}
