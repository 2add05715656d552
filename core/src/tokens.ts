import type { ServiceIdentifier } from 'inversify';
import type { AdminDetails as AdminDetailsContract } from './admin-details.ts';
import type { AdminRoute as AdminRouteContract } from './admin-route.ts';
import type { Clock as ClockContract } from './clock.ts';
import type {
  BalancerFactory as BalancerFactoryContract,
  Discovery as DiscoveryContract,
  EndpointWeight as EndpointWeightContract,
} from './cluster.ts';
import type { ConnectionHooks as ConnectionHooksContract } from './hooks.ts';
import type { Lifecycle as LifecycleContract } from './lifecycle.ts';
import type { Logger as LoggerContract } from './logger.ts';
import type { Metrics as MetricsContract } from './metrics.ts';
import type { RetryPolicy as RetryPolicyContract } from './retry.ts';
import type { RouterFactory as RouterFactoryContract } from './router.ts';
import type { IdleConnections as IdleConnectionsContract, Sessions as SessionsContract } from './sessions.ts';
import type { Sidecar as SidecarContract } from './sidecar.ts';
import type {
  Connector as ConnectorContract,
  Dialer as DialerContract,
  Protocol as ProtocolContract,
  Transport as TransportContract,
} from './transport.ts';

// A token shares its name with the interface that it stands for: `bind(ConnectionHooks)` takes a `ConnectionHooks`.
// `Symbol.for` makes it the same token in every copy of this package.
const token = <T>(name: string): ServiceIdentifier<T> => Symbol.for(`outrigger.${name}`);

// What plugins contribute; any number of each, unless it says one.
export type ConnectionHooks = ConnectionHooksContract;
export const ConnectionHooks = token<ConnectionHooks>('ConnectionHooks');
export type Lifecycle = LifecycleContract;
export const Lifecycle = token<Lifecycle>('Lifecycle');
export type Transport = TransportContract;
export const Transport = token<Transport>('Transport');
export type Protocol = ProtocolContract;
export const Protocol = token<Protocol>('Protocol');
export type Connector = ConnectorContract;
export const Connector = token<Connector>('Connector');
export type Discovery = DiscoveryContract;
export const Discovery = token<Discovery>('Discovery');
export type BalancerFactory = BalancerFactoryContract;
export const BalancerFactory = token<BalancerFactory>('BalancerFactory');
export type EndpointWeight = EndpointWeightContract;
export const EndpointWeight = token<EndpointWeight>('EndpointWeight');
export type AdminRoute = AdminRouteContract;
export const AdminRoute = token<AdminRoute>('AdminRoute');
export type AdminDetails = AdminDetailsContract;
export const AdminDetails = token<AdminDetails>('AdminDetails');
/** One. */
export type RouterFactory = RouterFactoryContract;
export const RouterFactory = token<RouterFactory>('RouterFactory');
/** One, or none: then core's own holds. */
export type RetryPolicy = RetryPolicyContract;
export const RetryPolicy = token<RetryPolicy>('RetryPolicy');
/** One, or none: then measurements go nowhere. Core binds it where no plugin does. */
export type Metrics = MetricsContract;
export const Metrics = token<Metrics>('Metrics');
/** One: the pools of the protocol that has them. */
export type IdleConnections = IdleConnectionsContract;
export const IdleConnections = token<IdleConnections>('IdleConnections');

// What core provides, for any plugin to inject.
export type Clock = ClockContract;
export const Clock = token<Clock>('Clock');
export type Logger = LoggerContract;
export const Logger = token<Logger>('Logger');
export type Sessions = SessionsContract;
export const Sessions = token<Sessions>('Sessions');
export type Sidecar = SidecarContract;
export const Sidecar = token<Sidecar>('Sidecar');
export type Dialer = DialerContract;
export const Dialer = token<Dialer>('Dialer');
