import {
  type Clock,
  type ConnectionHooks,
  type Counter,
  type Metrics,
  type Reject,
  reject,
  type Session,
} from '@outrigger/core';
import { counted, type Load, loadOf, wantsCounts } from './load.ts';
import type { LimitSettings } from './settings.ts';

const AFTER_A_SECOND = { 'retry-after': '1' };

/**
 * `limits:`, Envoy's circuit breakers, with one difference: a WebSocket is no request. Exchanges beyond `connections` wait in the
 * order in which they came. Counts every session of a cluster, for the retry budget too, where the cluster has one of the two
 * sections.
 */
export function limitHooks(clock: Clock, metrics: Metrics): ConnectionHooks {
  const refused = metrics.counter('outrigger_limit_refusals_total', {
    doc: 'Sessions that a limit of their cluster has refused.',
    labels: ['cluster', 'limit'],
  });
  const series = new Map<string, Counter>();
  const refuse = (session: Session, limit: keyof LimitSettings): Reject => {
    const { name } = session.cluster!;
    const key = `${limit} ${name}`;
    let counter = series.get(key);
    if (counter === undefined) series.set(key, (counter = refused.with(name, limit)));
    counter.add();
    return reject(503, `the cluster is at its limit of ${limit}`, AFTER_A_SECOND);
  };

  return {
    wanted: wantsCounts,
    onRoute(session) {
      const cluster = session.cluster!;
      const limits = cluster.settings['limits'] as LimitSettings | undefined;
      if (limits === undefined && cluster.settings['retry'] === undefined) return undefined;
      const load = loadOf(cluster);
      if (session.kind === 'websocket') {
        if (limits !== undefined && load.streams >= limits.streams) return refuse(session, 'streams');
        load.streams++;
        session.setState(counted, load);
        return undefined;
      }
      if (limits !== undefined) {
        if (load.exchanges + load.waiting.size >= limits.requests) return refuse(session, 'requests');
        if (load.exchanges >= limits.connections) {
          if (load.waiting.size >= limits.pending) return refuse(session, 'pending');
          return wait(session, load, limits);
        }
      }
      load.exchanges++;
      session.setState(counted, load);
      return undefined;
    },
    onSessionEnd(session) {
      const load = session.state(counted);
      if (load === undefined) return;
      if (session.kind === 'websocket') load.streams--;
      else {
        load.exchanges--;
        const [next] = load.waiting;
        next?.();
      }
    },
  };

  function wait(session: Session, load: Load, { wait: ms }: LimitSettings): Promise<Reject | undefined> {
    return new Promise((resolve) => {
      const settle = (verdict: Reject | undefined) => {
        load.waiting.delete(go);
        timer[Symbol.dispose]();
        session.signal.removeEventListener('abort', gone);
        resolve(verdict);
      };
      const go = () => {
        load.exchanges++;
        session.setState(counted, load);
        settle(undefined);
      };
      const gone = () => settle(undefined);
      const timer = clock.after(ms, () => settle(refuse(session, 'connections')));
      load.waiting.add(go);
      session.signal.addEventListener('abort', gone);
    });
  }
}
