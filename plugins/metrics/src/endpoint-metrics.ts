import type { IdleConnections, Lifecycle, Sidecar } from '@outrigger/core';
import type { Registry } from './registry.ts';

/** Endpoints come and go: theirs are made anew whenever they are collected, so that those that are gone leave nothing behind. */
const MAX_SERIES = 10_000;

const STATES = ['active', 'unhealthy', 'ejected', 'draining'] as const;

/** What is known of each endpoint, read when it is asked for: nothing is counted for it on the way. */
export function endpointMetrics(registry: Registry, sidecar: Sidecar, idle: IdleConnections): Lifecycle {
  const options = { labels: ['cluster', 'endpoint'], maxSeries: MAX_SERIES };
  let reading: Disposable | undefined;
  return {
    start() {
      const requests = registry.gauge('outrigger_endpoint_requests_open', {
        doc: 'HTTP exchanges that are open at an endpoint.',
        ...options,
      });
      const streams = registry.gauge('outrigger_endpoint_streams_open', {
        doc: 'WebSockets that are open at an endpoint.',
        ...options,
      });
      const connections = registry.gauge('outrigger_endpoint_idle_connections', {
        doc: 'Pooled connections to an endpoint that no session uses now.',
        ...options,
      });
      const weight = registry.gauge('outrigger_endpoint_weight', {
        doc: 'Weight of an endpoint, times what slow start and the like make of it; 0 where it leaves.',
        ...options,
      });
      const picks = registry.counter('outrigger_endpoint_picks_total', {
        doc: 'Attempts that an endpoint was picked for.',
        ...options,
      });
      const serverErrors = registry.counter('outrigger_endpoint_server_errors_total', {
        doc: 'Responses of 500 to 599 that the endpoint gave.',
        ...options,
      });
      const failures = registry.counter('outrigger_endpoint_failures_total', {
        doc: 'Attempts at an endpoint that failed.',
        ...options,
      });
      const states = registry.gauge('outrigger_endpoint_state', {
        doc: '1 for the state that an endpoint is in, 0 for the others: active, unhealthy (checks fail), ejected, draining.',
        labels: [...options.labels, 'state'],
        maxSeries: STATES.length * MAX_SERIES,
      });
      const all = [states, requests, streams, connections, weight, picks, failures, serverErrors];
      reading = registry.onCollect(() => {
        for (const instrument of all) instrument.forget();
        for (const cluster of sidecar.clusterStates()) {
          const { name, endpoints, leaving } = cluster;
          for (const endpoint of [...endpoints, ...leaving]) {
            requests.with(name, endpoint.address).set(endpoint.requests);
            streams.with(name, endpoint.address).set(endpoint.streams);
            connections.with(name, endpoint.address).set(idle.count(endpoint));
            weight.with(name, endpoint.address).set(endpoint.leavesAt === undefined ? endpoint.weight : 0);
            picks.with(name, endpoint.address).add(endpoint.picks ?? 0);
            failures.with(name, endpoint.address).add(endpoint.failures ?? 0);
            serverErrors.with(name, endpoint.address).add(endpoint.serverErrors ?? 0);
            const state = leaving.includes(endpoint) ? 'draining' : (cluster.outBecause?.(endpoint) ?? 'active');
            for (const one of STATES) states.with(name, endpoint.address, one).set(one === state ? 1 : 0);
          }
        }
      });
    },
    stop() {
      reading?.[Symbol.dispose]();
    },
  };
}
