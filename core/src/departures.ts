import type { Clock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import type { EndpointRecord } from './cluster-registry.ts';
import { closeGradually } from './gradual-close.ts';
import type { Logger } from './logger.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

export interface DepartureParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessions: Sessions;
  /** Closes of WebSockets per second: `drain.rate`. */
  rate(): number;
  /** Closes the idle connections of an endpoint. */
  closeIdle(endpoint: EndpointRecord): void;
}

const ANSWERS_MS = 10_000;

/**
 * What becomes of endpoints that have left their cluster's list: their idle connections go at once, their sessions go on until the
 * cluster's `drain.timeout` is over (the deregistration delay of AWS's and Alibaba's load balancers). Then WebSockets are closed
 * gradually, as in a drain of the sidecar, and exchanges are ended. One that is listed again in time is as if it had not left.
 */
export class Departures {
  readonly #parts: DepartureParts;
  readonly #deadlines = new Map<EndpointRecord, Disposable>();

  constructor(parts: DepartureParts) {
    this.#parts = parts;
  }

  /** `endpoint` is no longer listed; its sessions have `ms`. */
  left({ name }: Cluster, endpoint: EndpointRecord, ms: number): void {
    const { clock, logger } = this.#parts;
    const { address, requests, streams } = endpoint;
    endpoint.leavesAt = clock.wallTime() + ms;
    const bounded = requests + streams > 0 && ms !== Number.POSITIVE_INFINITY;
    const until = bounded ? { until: new Date(endpoint.leavesAt).toISOString() } : {};
    logger.info('an endpoint has left', { cluster: name, endpoint: address, requests, streams, ...until });
    this.#parts.closeIdle(endpoint);
    if (bounded)
      this.#deadlines.set(
        endpoint,
        clock.after(ms, () => this.#over(name, endpoint)),
      );
  }

  /** `endpoint` is listed again. */
  cameBack(endpoint: EndpointRecord): void {
    endpoint.leavesAt = undefined;
    this.#deadlines.get(endpoint)?.[Symbol.dispose]();
    this.#deadlines.delete(endpoint);
  }

  dispose(): void {
    for (const deadline of this.#deadlines.values()) deadline[Symbol.dispose]();
    this.#deadlines.clear();
  }

  #over(cluster: string, endpoint: EndpointRecord): void {
    const { clock, logger, sessions } = this.#parts;
    const { address, requests, streams } = endpoint;
    this.#deadlines.delete(endpoint);
    if (requests + streams === 0) return;
    logger.warn('closing what is open at an endpoint that has left', { cluster, endpoint: address, requests, streams });
    const isThere = ({ attempts }: Session) => {
      const last = attempts.at(-1);
      return last?.endpoint === endpoint && last.failure === undefined && endpoint.leavesAt !== undefined;
    };
    for (const session of sessions) if (session.kind === 'http' && isThere(session)) session.close('endpoint-gone');
    const rate = this.#parts.rate();
    // As long as it takes at that rate, and some time for their answers.
    const by = { at: clock.now() + (streams / rate) * 1_000 + ANSWERS_MS, rate };
    closeGradually(sessions, clock, by, 'endpoint-gone', (one) => one.kind === 'websocket' && isThere(one));
  }
}
