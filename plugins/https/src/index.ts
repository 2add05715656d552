import {
  AdminDetails,
  AdminRoute,
  Clock,
  Connector,
  Dialer,
  definePlugin,
  Lifecycle,
  Logger,
  Metrics,
  Sidecar,
  Transport,
} from '@outrigger/core';
import { certificatesRoute } from './certificates-route.ts';
import { config, type HttpsSettings, sections } from './settings.ts';
import { TlsConnector } from './tls-connector.ts';
import { TlsTransport } from './tls-transport.ts';

/** TLS: what listeners with `protocol: https` accept with, and clusters with `tls:` are reached by. */
export default definePlugin<HttpsSettings>({
  name: 'https',
  config,
  sections,
  bind(bind, settings) {
    bind(TlsTransport)
      .toResolvedValue(
        (clock: Clock, logger: Logger, metrics: Metrics, sidecar: Sidecar) =>
          new TlsTransport(clock, logger, metrics, sidecar, settings),
        [Clock, Logger, Metrics, Sidecar],
      )
      .inSingletonScope();
    bind(TlsConnector)
      .toResolvedValue(
        (clock: Clock, logger: Logger, metrics: Metrics, sidecar: Sidecar, dialer: Dialer) =>
          new TlsConnector(clock, logger, metrics, sidecar, dialer, settings),
        [Clock, Logger, Metrics, Sidecar, Dialer],
      )
      .inSingletonScope();
    bind(Transport).toResolvedValue((transport: TlsTransport) => transport, [TlsTransport]);
    bind(Connector).toResolvedValue((connector: TlsConnector) => connector, [TlsConnector]);
    bind(Lifecycle).toResolvedValue((transport: TlsTransport) => transport, [TlsTransport]);
    bind(Lifecycle).toResolvedValue((connector: TlsConnector) => connector, [TlsConnector]);
    bind(AdminDetails).toResolvedValue((transport: TlsTransport) => transport, [TlsTransport]);
    bind(AdminDetails).toResolvedValue((connector: TlsConnector) => connector, [TlsConnector]);
    bind(AdminRoute).toResolvedValue(
      (transport: TlsTransport) => certificatesRoute(() => transport.told),
      [TlsTransport],
    );
  },
});
