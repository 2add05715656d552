// The table of contents of core. Contracts first: what plugins implement, and what they are given.

// A plugin, and what it contributes: each token shares its name with the interface that it stands for.

export { type Bind, definePlugin, type Plugin } from './plugin.ts';
export { type Format, isSetting, type Schema, type Setting } from './schema.ts';
export * from './tokens.ts';

// The life of a connection and of its sessions.

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
export type { Connection, ListenerInfo, PeerInfo, TlsInfo } from './connection.ts';
export { type Address, formatAddress } from './connection.ts';
export { errorType } from './error-type.ts';
export type { HeaderOverlay, Headers, RequestHead, ResponseHead } from './headers.ts';
export {
  type Awaitable,
  type Close,
  close,
  HOOKS,
  type Ignore,
  ignore,
  isSendableCloseCode,
  type Reject,
  reject,
} from './hooks.ts';
export { MESSAGE_SIZE_BOUNDS, MessageTally, messageSizeBucket } from './message-tally.ts';
export type { EventStreamControl, MessageCounter, Session, Side, Slot, WebSocketControl } from './session.ts';
export {
  type Attempt,
  type BodyTransform,
  createSlot,
  type Failure,
  type Message,
  type SizeWatcher,
} from './session.ts';
export { recordedTrace, traceOf } from './session-trace.ts';
export { telemetryIdentity } from './telemetry-identity.ts';

// Where sessions go.

export type { Balancer, Cluster, Endpoint, EndpointSpec, OutReason, Sample } from './cluster.ts';
export type { Retry } from './retry.ts';
export { type Route, type Router, routePattern } from './router.ts';
export { hashKey, stickTo } from './session-wishes.ts';

// How bytes come and go.

export type { ByteSink, ByteStream } from './byte-stream.ts';
export type { HookChain, Verdict } from './hook-chain.ts';
export { behindWrites, flushIfQuiet } from './outbox.ts';
export type { ConnectSink, Scope } from './transport.ts';

// What surrounds them.

export { ADMIN_BIND, ADMIN_TOKEN } from './admin-address.ts';
export type { AdminAnswer, AdminParameter, AdminReply, AdminRequest, JsonSchema } from './admin-route.ts';
export { Timer } from './clock.ts';
export type { ClusterSpec, Configuration, DrainSpec, ListenerSpec, PluginSpec, RouteSpec } from './configuration.ts';
export {
  type ConfiguredValue,
  joinIndex,
  joinKey,
  type Provenance,
  valuesIn,
} from './configured-values.ts';
export type { Deadline } from './lifecycle.ts';
export { LOG_LEVELS, type LogLevel } from './logger.ts';
export {
  type Counter,
  type Gauge,
  type Histogram,
  type InstrumentOptions,
  type LabelValues,
  noMetrics,
} from './metrics.ts';

export { type ProblemLine, parseProblem } from './problem-line.ts';
export type { ListenerState, Reloads } from './sidecar.ts';

// Implementations. For the program that composes: loading, ordering, running.

export { ClusterRegistry } from './cluster-registry.ts';
export { type ComposedPlugin, Composition, type CoreServices } from './composition.ts';
export { DescriptorBudget } from './descriptor-budget.ts';
export { chainHooks, runningPlugin } from './hook-chain.ts';
export { PluginError } from './plugin-error.ts';
export { isPath, loadPlugin } from './plugin-loader.ts';
export { type LoadedPlugin, orderPlugins } from './plugin-order.ts';
export { Runtime, type RuntimeOptions } from './runtime.ts';
export { WheelClock } from './wheel-clock.ts';

// For protocols: the books of a session, and the cheap parts of a data path.

export { peerOf } from './acceptor.ts';
export { type ParsedAddress, parseAddress } from './address.ts';
export { type AttemptRecord, Overlay } from './attempt-record.ts';
export { CONNECT_FAILURES, carefulRetry, IDEMPOTENT } from './careful-retry.ts';
export { EndpointRecord } from './cluster-registry.ts';
export { didYouMean } from './did-you-mean.ts';
export { ioIsDirect, proveDirectIo } from './direct-io.ts';
export { proveDirectTls, secureStream } from './direct-tls.ts';
export { checkFieldName, checkFieldValue, FieldLine, isFieldValue, isToken } from './field-line.ts';
export { closeGradually } from './gradual-close.ts';
export { latin1 } from './latin1.ts';
export { OpenSessions } from './open-sessions.ts';
export { randomTexts } from './random-texts.ts';
export { type Ending, SessionRecord } from './session-record.ts';
export { atOnce, inSlices, type Sliced } from './slices.ts';
export { SocketStream } from './socket-stream.ts';
export { isTrusted } from './trusted-peers.ts';

// For tests of plugins.

export { VirtualClock } from './virtual-clock.ts';
