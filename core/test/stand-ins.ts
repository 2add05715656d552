import { TcpConnector } from '../src/connector.ts';
import { DescriptorBudget } from '../src/descriptor-budget.ts';
import {
  type ComposedPlugin,
  type CoreServices,
  type Logger,
  type Metrics,
  noMetrics,
  OpenSessions,
  type Plugin,
  type Session,
  type Sidecar,
  type Slot,
  VirtualClock,
} from '../src/index.ts';

/** A line that was logged. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export function collectingLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (message: string, more?: object) => void lines.push({ level, message, ...more });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
    level: 'debug',
  };
  return logger;
}

/** Counters by `name{label,label}`. */
export function countingMetrics(counts: Record<string, number>): Metrics {
  const instrument = (name: string) => ({
    with: (...labels: readonly string[]) => ({
      add(value = 1) {
        const key = `${name}{${labels.join(',')}}`;
        counts[key] = (counts[key] ?? 0) + value;
      },
      set() {},
      record() {},
    }),
  });
  return { ...noMetrics, counter: instrument };
}

/** A session that remembers what it was closed with. */
export function sessionStandIn(): Session & { readonly closedWith: string[] } {
  const closedWith: string[] = [];
  const state: unknown[] = [];
  const session = {
    closedWith,
    close: (cause: string) => void closedWith.push(cause),
    state: ({ index }: Slot<unknown>) => state[index],
    setState: ({ index }: Slot<unknown>, value: unknown) => {
      state[index] = value;
    },
  };
  return session as unknown as Session & { readonly closedWith: string[] };
}

/** A plugin as its entry in `plugins:` makes it. */
export function composed(plugin: Plugin, more: Partial<ComposedPlugin> = {}): ComposedPlugin {
  return { plugin, origin: 'test', settings: {}, onError: 'closed', timeout: 10_000, ...more };
}

/** What `f` throws; fails where it does not. */
export function thrownBy(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** What `promise` rejects with; fails where it does not. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('the promise did not reject');
}

/** Lets everything run that waits for nothing but its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What core gives to every plugin, for compositions that run nothing. */
export function servicesStandIn(more: Partial<CoreServices> = {}): CoreServices {
  const descriptors = new DescriptorBudget(1_024);
  return {
    clock: new VirtualClock(),
    logger: collectingLogger([]),
    sessions: new OpenSessions(),
    descriptors,
    connector: new TcpConnector(descriptors),
    sidecar: {} as Sidecar,
    ...more,
  };
}
