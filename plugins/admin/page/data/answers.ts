// What the paths answer, as far as the page shows it. Fields that a plugin adds are optional. A test holds it all against
// /openapi.json of a sidecar.

/** By path: what GET of it answers. */
export interface Answers {
  readonly '/': PathList;
  readonly '/healthz': Healthz;
  readonly '/listeners': { readonly listeners: readonly ListenerAnswer[] };
  readonly '/clusters': { readonly clusters: readonly ClusterAnswer[] };
  readonly '/sessions': SessionsAnswer;
  readonly '/traces': { readonly traces: readonly TraceAnswer[] };
  readonly '/overview': Overview;
  readonly '/config_dump': ConfigDump;
  readonly '/logging': { readonly level: string };
}

export interface PathList {
  readonly paths: readonly { readonly method: string; readonly path: string; readonly doc: string }[];
}

export interface Healthz {
  readonly status: 'starting' | 'ready' | 'draining' | 'stopped';
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly generation: number;
  readonly reloads: {
    readonly changed: number;
    readonly unchanged: number;
    readonly failed: number;
    readonly last?: { readonly at: string; readonly result: string; readonly problems?: readonly string[] };
  };
  readonly sessions: number;
}

export interface ListenerAnswer {
  readonly name: string;
  readonly protocol: string;
  readonly direction: string;
  readonly address: string;
  readonly state: 'accepting' | 'draining';
  readonly connections: number;
  readonly tls?: {
    readonly certificates?: readonly { readonly names: readonly string[]; readonly daysLeft: number }[];
  };
}

export interface Health {
  readonly state: 'in' | 'out' | 'slow-start';
  readonly why?: string;
  readonly until?: string;
  readonly check?: string;
  readonly timesEjected?: number;
}

export interface EndpointAnswer {
  readonly address: string;
  readonly weight: number;
  readonly requests: number;
  readonly streams: number;
  readonly until?: string;
  readonly health?: Health;
  readonly ewmaMs?: number;
}

export interface ClusterAnswer {
  readonly name: string;
  readonly connector: string;
  /** Open at its endpoints, those that leave included. */
  readonly requests: number;
  readonly streams: number;
  /** How many of its endpoints may not be picked. */
  readonly out: number;
  readonly panic?: boolean;
  readonly endpoints: readonly EndpointAnswer[];
  readonly leaving?: readonly EndpointAnswer[];
}

export interface BothSides {
  readonly downstream: number | null;
  readonly upstream: number | null;
}

export interface BothWays {
  readonly received: number;
  readonly sent: number;
}

export interface SessionAnswer {
  readonly id: string;
  readonly kind: string;
  readonly listener: string;
  readonly peer: string;
  readonly method: string;
  readonly host: string | null;
  readonly path: string;
  readonly route: string | null;
  readonly cluster: string | null;
  readonly endpoint: string | null;
  readonly attempts: number;
  readonly generation: number;
  readonly ageSeconds: number;
  readonly bytes: BothWays;
  readonly eventStream?: true;
  readonly messages?: BothWays & { readonly total: number };
  readonly messagesPerSecond?: BothWays;
  readonly idleSeconds?: BothSides | number;
  readonly buffered?: BothSides & { readonly total: number };
  readonly pingMs?: BothSides;
}

export interface SessionsAnswer {
  readonly open: number;
  readonly matching: number;
  readonly sessions: readonly SessionAnswer[];
}

export interface SpanAnswer {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: string;
  readonly startedAt: string;
  /** From the begin of the trace. */
  readonly offsetMs: number;
  readonly durationMs: number;
  readonly status: 'unset' | 'error';
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface TraceAnswer {
  readonly traceId: string;
  readonly name: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly status: 'unset' | 'error';
  readonly spans: readonly SpanAnswer[];
}

/** Errors are of the last reload, which failed; warnings of the configuration in force. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

export interface ConfigDump {
  readonly generation: number;
  readonly configuration: unknown;
  readonly values?: readonly ConfigValue[];
  readonly problems?: readonly Problem[];
}

export interface ConfigValue {
  readonly path: string;
  readonly value: unknown;
  readonly origin?: string;
}

type Points = readonly (number | null)[];

export interface Traffic {
  readonly requests: {
    readonly perSecond: number;
    readonly successRatio: number | null;
    readonly p50Seconds: number | null;
    readonly p95Seconds: number | null;
    readonly p99Seconds: number | null;
  };
  readonly webSockets: { readonly open: number; readonly openedPerSecond: number };
  readonly series: {
    readonly perSecond: Points;
    readonly failedPerSecond: Points;
    readonly successRatio: Points;
    readonly p50Seconds: Points;
    readonly p95Seconds: Points;
    readonly p99Seconds: Points;
    readonly open: Points;
  };
}

export interface Overview {
  readonly at: string;
  readonly windowSeconds: number;
  /** Of all points together. */
  readonly seriesSeconds: number;
  readonly total: Traffic;
  readonly listeners: Readonly<Record<string, Traffic>>;
  readonly clusters: Readonly<Record<string, Traffic & { readonly endpoints: Readonly<Record<string, Traffic>> }>>;
}
