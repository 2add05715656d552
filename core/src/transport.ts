import type { NetConnectOpts, Socket } from 'node:net';
import type { ByteSink, ByteStream } from './byte-stream.ts';
import type { Cluster, Endpoint } from './cluster.ts';
import type { ClusterSpec, ListenerSpec } from './configuration.ts';
import type { Connection, ListenerInfo, PeerInfo } from './connection.ts';
import type { HookChain } from './hook-chain.ts';
import type { Deadline } from './lifecycle.ts';
import type { Router } from './router.ts';

/** How bytes come in where not plainly over TCP: wraps sockets that core accepted. */
export interface Transport {
  readonly name: string;
  /** Resolves when the transport is established; rejects when it cannot be, which the transport has counted and logged. Once a connection. */
  secure(socket: Socket, listener: ListenerInfo): Promise<{ stream: ByteStream; peer: PeerInfo; alpn?: string }>;
  /** Throws an Error where the listener's settings cannot work. Called for each that a configuration has; without effects. */
  check?(listener: ListenerSpec): void;
  /** What it makes of the listener's settings, in lines for people (`outrigger explain`). `check` found them good. */
  explain?(listener: ListenerSpec): readonly string[];
  /**
   * What holds for the listener from the next connection on. Called when it accepts, and with each reload that it outlives;
   * `check` found its settings good. Must not throw.
   */
  adopt?(listener: ListenerInfo): void;
}

/** What is spoken on a connection. */
export interface Protocol {
  /** As ALPN names it: `http/1.1`. */
  readonly name: string;
  /** Takes the connection over, to its end; calls `ended` exactly once, when its stream is closed and its last session is over. */
  serve(stream: ByteStream, connection: Connection, scope: () => Scope, ended: () => void): void;
  /**
   * Ends the connections that `meant` says, gracefully: resolves when none is left, at `by.at` at the latest. Their scope says
   * `draining` by then, so that none takes more work.
   */
  drain(by: Deadline, meant: (connection: Connection) => boolean): Promise<void>;
}

/** What a listener's current generation says. Asked when a request's head is complete. */
export interface Scope {
  readonly hooks: HookChain;
  readonly router: Router;
  readonly generation: number;
  readonly listener: ListenerInfo;
  /** A connection takes no further request: its listener goes, or the sidecar ends. */
  readonly draining?: boolean;
}

/** What a {@link Connector} tells of the stream that it opens. */
export interface ConnectSink extends ByteSink {
  /** Once, when bytes can flow. Without it, `error` and `closed` tell that the connect failed. */
  connected(): void;
}

/** How bytes go out to an endpoint. `tcp` is core's own; a plugin may wrap what it connected. */
export interface Connector {
  readonly name: string;
  /** Starts connecting; what is written meanwhile is queued. Never throws: failures come to the sink, later. */
  connect(endpoint: Endpoint, cluster: Cluster, sink: ConnectSink): ByteStream;
  /** Throws an Error where the cluster's settings cannot work. Called for each that a configuration has; without effects. */
  check?(cluster: ClusterSpec): void;
  /** What it makes of the cluster's settings, in lines for people (`outrigger explain`). `check` found them good. */
  explain?(cluster: ClusterSpec): readonly string[];
  /**
   * Two connections to an endpoint stand for each other only where this was the same at their connect: a pool keeps to it.
   * On every session's way.
   */
  key?(cluster: Cluster): unknown;
}

/** Opens sockets to endpoints as core's own connector does: for other connectors. Given by core. */
export interface Dialer {
  /** `open` makes the socket that connects by these options, in this call; it is counted among the file descriptors. */
  dial<T extends Socket>(endpoint: Endpoint, open: (options: NetConnectOpts) => T): T;
}
