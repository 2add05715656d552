// Contracts: what plugins implement and what they are given.

export { type ParsedAddress, parseAddress } from './address.ts';
export type { AdminReply, AdminRequest } from './admin-route.ts';
export { Overlay } from './attempt-record.ts';
export type { ByteSink, ByteStream } from './byte-stream.ts';
export {
  CAUSES,
  type Cause,
  type CauseInfo,
  describeCause,
  errorCode,
  type Initiator,
  type Outcome,
  OutriggerError,
} from './cause.ts';
export { Timer } from './clock.ts';
export type { Balancer, Cluster, Endpoint, EndpointSpec, Sample } from './cluster.ts';
export { type ComposedPlugin, Composition } from './composition.ts';
export type {
  ClusterSpec,
  Configuration,
  DrainSpec,
  ListenerSpec,
  PluginSpec,
  RouteSpec,
} from './configuration.ts';
export {
  type Address,
  type Connection,
  formatAddress,
  type ListenerInfo,
  type PeerInfo,
  type TlsInfo,
} from './connection.ts';
export { didYouMean } from './did-you-mean.ts';
export type { HeaderOverlay, Headers, RequestHead, ResponseHead } from './headers.ts';
export type { HookChain, Verdict } from './hook-chain.ts';
export { chainHooks } from './hook-chain.ts';
export { type Awaitable, type Close, close, HOOKS, isSendableCloseCode, type Reject, reject } from './hooks.ts';
export { latin1 } from './latin1.ts';
export type { Deadline } from './lifecycle.ts';
export type { LogLevel } from './logger.ts';
export type { Counter, Gauge, Histogram, InstrumentOptions } from './metrics.ts';
export { noMetrics } from './metrics.ts';
export { OpenSessions } from './open-sessions.ts';
export { type Bind, definePlugin, type Plugin } from './plugin.ts';
export { PluginError } from './plugin-error.ts';
export { isPath, loadPlugin } from './plugin-loader.ts';
export { type LoadedPlugin, orderPlugins } from './plugin-order.ts';
export { randomHex } from './random-hex.ts';
export type { Retry } from './retry.ts';
export type { Route, Router } from './router.ts';
// For the program that composes: loading, ordering, running.
export { Runtime, type RuntimeOptions } from './runtime.ts';
export { type Format, isSetting, type Schema, type Setting } from './schema.ts';
export {
  type Attempt,
  type BodyTransform,
  createSlot,
  type Failure,
  type Message,
  type Session,
  type Side,
  type Slot,
  type WebSocketControl,
} from './session.ts';
// For protocols: the books of a session, and the cheap parts of a data path.
export { type Ending, SessionRecord } from './session-record.ts';
export { SocketStream } from './socket-stream.ts';
export * from './tokens.ts';
export type { ConnectSink, Scope } from './transport.ts';
// For tests of plugins.
export { VirtualClock } from './virtual-clock.ts';
export { WheelClock } from './wheel-clock.ts';
