import {
  type Clock,
  type ComposedPlugin,
  type Configuration,
  type ConnectionHooks,
  ConnectionHooks as ConnectionHooksToken,
  definePlugin,
  type Logger,
  type Plugin,
  Runtime,
} from '@outrigger/core';
import discovery from '@outrigger/discovery';
import http from '@outrigger/http';
import https from '@outrigger/https';
import keepalive, { type KeepaliveSettings } from '@outrigger/keepalive';
import routing from '@outrigger/routing';
import scheduling from '@outrigger/scheduling';

/** A line that the sidecar logged. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface SidecarOptions {
  /** Addresses of the one cluster's endpoints. */
  readonly endpoints: readonly string[];
  /** Hooks of a plugin called `probe`, seen by the listener. */
  readonly hooks?: ConnectionHooks;
  /** More hooks, each of a plugin of its own. */
  readonly plugins?: readonly Plugin[];
  readonly onError?: 'open' | 'closed';
  readonly hookTimeout?: number;
  /** Sections of the listener, of its one route, and of the cluster. */
  readonly listener?: Readonly<Record<string, unknown>>;
  readonly route?: Readonly<Record<string, unknown>>;
  readonly cluster?: Readonly<Record<string, unknown>>;
  /** Of the route. Default: keep. */
  readonly onChange?: 'keep' | 'drain';
  /** Default: round-robin. */
  readonly balancer?: string;
  readonly bind?: string;
  readonly direction?: 'inbound' | 'outbound';
  /** Settings of the https plugin, which is there where a section `tls` needs it. */
  readonly https?: { readonly [key: string]: object };
  /** Loads the keepalive plugin: these of its settings are not as in the built-in set. */
  readonly keepalive?: Partial<KeepaliveSettings>;
  readonly drain?: Partial<Configuration['drain']>;
  /** Default: the real one. */
  readonly clock?: Clock;
}

/** A sidecar in this process: one listener on port 0, one cluster, the built-in plugins. */
export interface TestSidecar {
  readonly runtime: Runtime;
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly logs: LogLine[];
  /** Reloads to what other options say, as a SIGHUP does. */
  reload(options: SidecarOptions): Promise<'changed' | 'unchanged'>;
  stop(): Promise<void>;
}

const TIMEOUTS = {
  listener: { head: 10_000, body: 30_000, write: 30_000, idle: 75_000 },
  cluster: { connect: 5_000, response: 300_000, total: Number.POSITIVE_INFINITY, idle: 4_000 },
};

export async function startSidecar(options: SidecarOptions): Promise<TestSidecar> {
  const logs: LogLine[] = [];
  const runtime = new Runtime({
    configuration: configurationOf(options),
    plugins: composed(options),
    logger: collectingLogger(logs),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  await runtime.start();
  const { port } = runtime.listeners.get('inbound')!.address;
  const scheme = options.listener?.['tls'] === undefined ? 'http' : 'https';
  return {
    runtime,
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    logs,
    reload: (next) => runtime.reload(configurationOf(next), runtime.composition.plugins as ComposedPlugin[]),
    stop: () => runtime.stop(),
  };
}

const HTTPS = {
  handshake: { timeout: 10_000, pending: 1_000 },
  tickets: { rotation: 12 * 3_600_000 },
  expiry: { warning: 30 * 24 * 3_600_000 },
};

const KEEPALIVE: KeepaliveSettings = {
  websocket: { interval: 25_000, timeout: 10_000 },
  eventStream: { interval: 25_000 },
  idleTimeout: Number.POSITIVE_INFINITY,
  maxAge: Number.POSITIVE_INFINITY,
};

function usesTls({ listener, cluster }: SidecarOptions): boolean {
  // An empty section is that of a test with a connector of its own.
  return listener?.['tls'] !== undefined || Object.keys((cluster?.['tls'] as object | undefined) ?? {}).length > 0;
}

/** What the options say, for a reload as well. */
export function configurationOf(options: SidecarOptions): Configuration {
  const section = (given: Readonly<Record<string, unknown>> | undefined, timeouts: object) => ({
    ...given,
    timeouts: { ...timeouts, ...(given?.['timeouts'] as object | undefined) },
  });
  return {
    service: { name: 'test' },
    drain: { delay: 0, timeout: 10_000, rate: 1_000, ...options.drain },
    listeners: [
      {
        name: 'inbound',
        protocol: options.listener?.['tls'] === undefined ? 'http' : 'https',
        bind: options.bind ?? '127.0.0.1:0',
        direction: options.direction ?? 'inbound',
        routes: [{ cluster: 'app', onChange: options.onChange ?? 'keep', settings: options.route ?? {} }],
        settings: {
          trustedPeers: [],
          clientCertificateDetails: ['subject', 'uri', 'dns'],
          tcp: { keepalive: Number.POSITIVE_INFINITY },
          ...section(options.listener, TIMEOUTS.listener),
          websocket: {
            plane: 'auto',
            maxMessageSize: 16 << 20,
            ...(options.listener?.['websocket'] as object | undefined),
          },
        },
      },
    ],
    clusters: [
      {
        name: 'app',
        balancer: { policy: options.balancer ?? 'round-robin', settings: {} },
        discovery: { name: 'static', spec: options.endpoints.map((address) => ({ address })) },
        settings: {
          pool: { idle: 256 },
          tcp: { keepalive: Number.POSITIVE_INFINITY },
          ...section(options.cluster, TIMEOUTS.cluster),
        },
      },
    ],
    plugins: [],
  };
}

function composed(options: SidecarOptions): ComposedPlugin[] {
  const { hooks, plugins = [], onError = 'closed', hookTimeout = 10_000 } = options;
  const all: Plugin[] = [
    discovery,
    scheduling,
    routing,
    http,
    ...(options.keepalive === undefined ? [] : [keepalive as unknown as Plugin]),
    ...(usesTls(options) ? [https as unknown as Plugin] : []),
    ...plugins,
  ];
  if (hooks !== undefined) {
    all.push(definePlugin({ name: 'probe', bind: (bind) => void bind(ConnectionHooksToken).toConstantValue(hooks) }));
  }
  return all.map((plugin) => ({
    plugin,
    origin: 'test',
    settings: settingsOf(plugin.name, options),
    onError,
    timeout: hookTimeout,
  }));
}

function settingsOf(plugin: string, options: SidecarOptions): Readonly<Record<string, unknown>> {
  if (plugin === 'https') return { ...HTTPS, ...options.https };
  return plugin === 'keepalive' ? { ...KEEPALIVE, ...options.keepalive } : {};
}

function collectingLogger(lines: LogLine[], fields: object = {}): Logger {
  const at = (level: string) => (message: string, more?: object) =>
    void lines.push({ level, message, ...fields, ...more });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => collectingLogger(lines, { ...fields, ...more }),
    level: 'debug',
  };
}
