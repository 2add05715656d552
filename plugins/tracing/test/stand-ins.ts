import {
  type Attempt,
  type Cause,
  type Cluster,
  type Connection,
  type Endpoint,
  type FieldLine,
  type Headers,
  type Logger,
  type Metrics,
  type Outcome,
  Overlay,
  type Session,
  type SizeWatcher,
  type Slot,
} from '@outrigger/core';
import { newTraceId } from '../src/ids.ts';
import { plain } from '../src/recent-traces.ts';
import { SpanKind, type SpanParent, SpanRecord } from '../src/span.ts';
import { type OtlpSpan, readSpans } from '../src/span-reader.ts';
import { SpanStore } from '../src/span-store.ts';
import { keyOf, type SpanWriter } from '../src/span-writer.ts';

/** Headers of a request, in order. */
export class TestHeaders implements Headers {
  lines: [name: string, value: string][];

  constructor(lines: readonly (readonly [string, string])[]) {
    this.lines = lines.map(([name, value]) => [name, value]);
  }

  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  getAll(name: string): string[] {
    return this.lines.filter(([line]) => line.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.append(name, value);
  }

  append(field: string | FieldLine, value = ''): void {
    this.lines.push(typeof field === 'string' ? [field, value] : [field.name, field.value]);
  }

  remove(name: string): void {
    this.lines = this.lines.filter(([line]) => line.toLowerCase() !== name.toLowerCase());
  }

  [Symbol.iterator](): Iterator<readonly [string, string]> {
    return this.lines[Symbol.iterator]();
  }
}

export interface SessionOptions {
  readonly headers?: readonly (readonly [string, string])[];
  readonly method?: string;
  readonly target?: string;
  readonly authority?: string;
  readonly kind?: 'http' | 'websocket';
  readonly peer?: string;
  readonly tls?: boolean;
  readonly trustedPeers?: readonly string[];
  /** `match.path` of the route. */
  readonly path?: string;
  readonly startedAt?: number;
}

/** A session as far as this plugin looks at it; heads that come back are set by the test. */
export interface TestSession extends Session {
  response: Session['response'];
  route: Session['route'];
  bytesReceived: number;
  bytesSent: number;
  messagesReceived: number;
  messagesSent: number;
  /** Who watches the sizes of messages. */
  sized: SizeWatcher;
  readonly request: Session['request'] & { readonly headers: TestHeaders };
}

export function sessionFor(options: SessionOptions = {}): TestSession {
  const { target = '/', authority = 'chat.example.com:8080' } = options;
  const [path, query = ''] = target.split('?', 2) as [string, string | undefined];
  const state: unknown[] = [];
  const cluster = { name: 'chat', connector: 'tcp' } as Cluster;
  const connection = {
    id: 1,
    listener: { name: 'inbound', settings: { trustedPeers: options.trustedPeers ?? [] } },
    peer: {
      address: { family: 'ipv4', host: options.peer ?? '192.0.2.7', port: 40_000 },
      ...(options.tls && { tls: { version: 'TLSv1.3' } }),
    },
  } as unknown as Connection;
  return {
    id: '1',
    kind: options.kind ?? 'http',
    generation: 3,
    startedAt: options.startedAt ?? 1_700_000_000_000,
    connection,
    cluster,
    route: {
      name: 'inbound[0]',
      cluster,
      settings: { match: options.path === undefined ? {} : { path: options.path } },
    },
    response: undefined,
    bytesReceived: 0,
    bytesSent: 0,
    messagesReceived: 0,
    messagesSent: 0,
    watchSizes(this: TestSession, watcher: SizeWatcher) {
      this.sized = watcher;
    },
    sized() {},
    request: {
      method: options.method ?? 'GET',
      target,
      path,
      query,
      host: authority.replace(/:\d+$/, ''),
      authority,
      version: '1.1',
      headers: new TestHeaders(options.headers ?? []),
    },
    state: <T>(slot: Slot<T>) => state[slot.index] as T | undefined,
    setState<T>(slot: Slot<T>, value: T) {
      state[slot.index] = value;
    },
  } as unknown as TestSession;
}

export interface TestAttempt extends Attempt {
  readonly headers: Overlay;
  status: number | undefined;
  failure: Attempt['failure'];
}

/** `startedAt` as the clock has it. */
export function attemptAt(address: string, number = 1, startedAt = 0): TestAttempt {
  return {
    number,
    endpoint: { address } as Endpoint,
    startedAt,
    headers: new Overlay(),
    reused: false,
    status: undefined,
    failure: undefined,
  };
}

/** The value that an attempt sends for a header. */
export function overlaid(attempt: TestAttempt, name: string): string | undefined {
  return attempt.headers.values[attempt.headers.names.indexOf(name)];
}

export function outcomeOf(cause: Cause, status?: number, durationMs = 0): Outcome {
  return { cause, status, durationMs } as Outcome;
}

export type LogLine = readonly [line: string, fields: Readonly<Record<string, unknown>> | undefined];

/** Log lines as `level message`, with their fields. */
export function recordingLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    void lines.push([`${level} ${message}`, fields]);
  const logger = {
    lines,
    level: 'info' as const,
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: () => logger,
  };
  return logger;
}

/** Metrics whose counters are read by `name{label,…}`. */
export function recordingMetrics(): Metrics & { readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const nothing = { add() {}, set() {}, record() {} };
  return {
    counts,
    counter: (name) => ({
      with: (...labels) => ({
        add(value = 1) {
          const key = labels.length === 0 ? name : `${name}{${labels.join(',')}}`;
          counts.set(key, (counts.get(key) ?? 0) + value);
        },
      }),
    }),
    gauge: () => ({ with: () => nothing }),
    histogram: () => ({ with: () => nothing }),
    onCollect: () => ({ [Symbol.dispose]() {} }),
  };
}

/** A span of 12.25 ms that failed, with an attribute of each sort. */
export class TestSpan extends SpanRecord {
  readonly kind: SpanKind;
  override endedAt = 1_700_000_000_012.5;
  readonly #name: string;

  constructor(
    name: string,
    parent: Partial<SpanParent> = {},
    { startedAt = 1_700_000_000_000.25, kind = SpanKind.SERVER as SpanKind } = {},
  ) {
    const root = { traceId: newTraceId(), spanId: undefined, remote: false, flags: 1, traceState: '' };
    super({ ...root, ...parent }, startedAt);
    this.#name = name;
    this.kind = kind;
  }

  protected describe(out: SpanWriter): void {
    out.name(this.#name);
    out.text(keyOf('a.text'), 'x');
    out.number(keyOf('a.number'), 7);
    out.flag(keyOf('a.flag'), true);
    out.failed();
  }
}

/** What a span says, as it is sent. */
export function contentOf(span: SpanRecord): {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: OtlpSpan['links'];
  readonly error: boolean;
} {
  const store = new SpanStore();
  store.add(span);
  const [{ name, attributes, links, status }] = [...store].flatMap((batch) => readSpans(batch)) as [OtlpSpan];
  const values = attributes.map(({ key, value }) => [key, plain(value)]);
  return { name, attributes: Object.fromEntries(values), links, error: status.code === 2 };
}
