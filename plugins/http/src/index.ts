import {
  Clock,
  Connector,
  carefulRetry,
  definePlugin,
  IdleConnections,
  Lifecycle,
  Logger,
  Metrics,
  type OpenSessions,
  Protocol,
  RetryPolicy,
  Sessions,
} from '@outrigger/core';
import { Engine } from './engine.ts';
import { HttpProtocol } from './http-protocol.ts';
import { sections } from './settings.ts';

/** HTTP/1.1 and WebSocket: what listeners with `protocol: http` speak, and the pools towards upstreams. */
export default definePlugin({
  name: 'http',
  sections,
  bind(bind) {
    bind(Engine)
      .toResolvedValue(
        (
          clock: Clock,
          logger: Logger,
          metrics: Metrics,
          sessions: Sessions,
          connectors: Connector[],
          policies: RetryPolicy[],
        ) => {
          const [policy] = policies;
          const retry = { policy: policy ?? carefulRetry, responses: policy !== undefined };
          return new Engine(clock, logger, metrics, sessions as OpenSessions, connectors, retry);
        },
        [
          Clock,
          Logger,
          Metrics,
          Sessions,
          { serviceIdentifier: Connector, isMultiple: true },
          { serviceIdentifier: RetryPolicy, isMultiple: true },
        ],
      )
      .inSingletonScope();
    bind(Protocol).toResolvedValue((engine: Engine) => new HttpProtocol(engine), [Engine]);
    bind(Lifecycle).toResolvedValue((engine: Engine) => engine, [Engine]);
    bind(IdleConnections).toResolvedValue((engine: Engine) => engine.pools, [Engine]);
  },
});
