import type { Outcome } from './cause.ts';
import type { Clock } from './clock.ts';
import type { Address, Connection } from './connection.ts';
import { timedEntries } from './hook-timing.ts';
import {
  type Awaitable,
  type Close,
  type ConnectionHooks,
  HOOKS,
  type Ignore,
  isSendableCloseCode,
  type Reject,
} from './hooks.ts';
import type { Logger } from './logger.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import type { Attempt, Message, Session, Side } from './session.ts';

export type Verdict = Reject | undefined;

/**
 * The hooks of one listener, flattened once at composition. A hook that no plugin implements is null, so that it costs a
 * comparison. The functions never throw and their promises never reject: a plugin's failure has become a verdict (its
 * `plugin` set) or a log line by then. A plain return means that no hook was asynchronous.
 */
export interface HookChain {
  readonly onAccept: ((peer: Address) => Verdict) | null;
  readonly onConnection: ((c: Connection) => Awaitable<Verdict>) | null;
  readonly onRequest: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onUpgrade: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onRoute: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onAttempt: ((s: Session, a: Attempt) => void) | null;
  readonly onAttemptEnd: ((s: Session, a: Attempt) => void) | null;
  readonly onResponse: ((s: Session) => Awaitable<Verdict>) | null;
  readonly onOpen: ((s: Session) => void) | null;
  readonly onEventStream: ((s: Session) => void) | null;
  readonly onMessage: ((s: Session, m: Message) => Awaitable<undefined | 'drop' | Close>) | null;
  /** Whether a plugin of the chain wants the messages of this session; null where none has `onMessage`. */
  readonly watchesMessages: ((s: Session) => boolean) | null;
  readonly onPong: ((s: Session, side: Side, rttMs: number) => void) | null;
  readonly onSessionEnd: ((s: Session, o: Outcome) => void) | null;
  readonly onDisconnect: ((c: Connection) => void) | null;
  /** The same chain, which measures how long each hook takes: for a share of the sessions. Null where nobody keeps metrics. */
  readonly timed: HookChain | null;
  /** The chain without the hooks of one entry, for sessions that these ignore. */
  without(entry: ChainEntry): HookChain;
}

/** One plugin's hooks, and what its entry in `plugins:` says of their failures. */
export interface ChainEntry {
  readonly plugin: string;
  readonly hooks: ConnectionHooks;
  readonly onError: 'open' | 'closed';
  /** Milliseconds within which a promise must settle. */
  readonly timeout: number;
}

export interface ChainServices {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Flattens hooks into one chain. `entries` are in plugin order. In it run the hooks towards upstream: onAccept, onConnection,
 * onRequest, onUpgrade, onRoute, onAttempt, and onMessage for what comes from downstream. In reverse run those on the way
 * back: onAttemptEnd, onResponse, onMessage for what comes from upstream, onSessionEnd, onDisconnect; onOpen, onEventStream and onPong, too,
 * for both follow from an answer of upstream's.
 *
 * - A verdict ends the chain; hooks behind it are not asked. Each onMessage sees the `data` that the former one left.
 * - A hook fails by throwing, by a promise that rejects or does not settle within the plugin's timeout, and by a value that is
 *   no verdict. It is counted and logged once per failure; what a promise does after its timeout is ignored.
 * - A session's hook that returns `ignore` takes its entry out of the chain of that session.
 * - Values that void hooks return are ignored; a promise among them is not awaited, its rejection is a failure.
 * - watchesMessages asks until the first yes. A session that anyone watches goes through every onMessage, also through those
 *   of plugins that said no.
 */
export function chainHooks(entries: readonly ChainEntry[], services: ChainServices): HookChain {
  const { clock, metrics } = services;
  const containment = new Containment(services);
  containment.watch(entries);
  const timed = metrics === noMetrics ? null : chain(timedEntries(entries, clock, metrics), containment, null);
  return chain(entries, containment, timed);
}

function chain(entries: readonly ChainEntry[], containment: Containment, timed: HookChain | null): HookChain {
  const back = entries.toReversed();
  const shorter = new Map<ChainEntry, HookChain>();
  return {
    onAccept: acceptChain(steps(entries, 'onAccept'), containment),
    onConnection: verdictChain(steps(entries, 'onConnection'), REJECT, containment),
    onRequest: verdictChain(steps(entries, 'onRequest'), REJECT_OR_IGNORE, containment),
    onUpgrade: verdictChain(steps(entries, 'onUpgrade'), REJECT_OR_IGNORE, containment),
    onRoute: verdictChain(steps(entries, 'onRoute'), REJECT_OR_IGNORE, containment),
    onAttempt: voidChain(steps(entries, 'onAttempt'), containment, endSession),
    onAttemptEnd: voidChain(steps(back, 'onAttemptEnd'), containment, leaveBe),
    onResponse: verdictChain(steps(back, 'onResponse'), REJECT_OR_IGNORE, containment),
    onOpen: voidChain(steps(back, 'onOpen'), containment, endSession),
    onEventStream: voidChain(steps(back, 'onEventStream'), containment, endSession),
    onMessage: messageChain(steps(entries, 'onMessage'), steps(back, 'onMessage'), containment),
    watchesMessages: watchChain(entries, containment),
    onPong: voidChain(steps(back, 'onPong'), containment, endSession),
    onSessionEnd: voidChain(steps(back, 'onSessionEnd'), containment, leaveBe),
    onDisconnect: voidChain(steps(back, 'onDisconnect'), containment, leaveBe),
    timed,
    without(entry) {
      let rest = shorter.get(entry);
      if (rest === undefined) {
        rest = entries.includes(entry)
          ? chain(
              entries.filter((other) => other !== entry),
              containment,
              null,
            )
          : this;
        shorter.set(entry, rest);
      }
      return rest;
    },
  };
}

/** Any hook: none has more than three arguments, and a fixed number of them costs no array. */
type Run = (subject: unknown, second?: unknown, third?: unknown) => unknown;

/** One plugin's implementation of one hook. */
interface Step {
  readonly entry: ChainEntry;
  readonly plugin: string;
  readonly hook: string;
  readonly run: Run;
  readonly closed: boolean;
  readonly timeout: number;
}

/** Hooks that have an open WebSocket in hand, and may close it. */
const CAN_CLOSE = new Set<keyof ConnectionHooks>(['onOpen', 'onMessage', 'onPong']);

function steps(entries: readonly ChainEntry[], hook: keyof ConnectionHooks): Step[] {
  return entries.flatMap((entry) => {
    const { plugin, hooks, onError, timeout } = entry;
    const implementation = hooks[hook] as Run | undefined;
    if (implementation === undefined) return [];
    const bound = implementation.bind(hooks) as Run;
    const run = CAN_CLOSE.has(hook) ? named(plugin, bound) : bound;
    return [{ entry, plugin, hook, run, closed: onError === 'closed', timeout }];
  });
}

let running: string | undefined;

/**
 * The plugin one of whose `onOpen`, `onMessage` or `onPong` is being called: so an end that it brings about can name it. Not known
 * behind its first `await`, nor in what a timer of its own does.
 */
export function runningPlugin(): string | undefined {
  return running;
}

function named(plugin: string, run: Run): Run {
  return (subject, second, third) => {
    const outer = running;
    running = plugin;
    try {
      return run(subject, second, third);
    } finally {
      running = outer;
    }
  };
}

/** What hooks of one sort may return, beside nothing and a promise. */
interface VerdictSort<V> {
  readonly expected: string;
  /** Whether it may be `ignore`: then `subject` is a session. */
  readonly mayIgnore: boolean;
  /** The verdict with its plugin's name; undefined where `value` is none. */
  signed(value: unknown, plugin: string): V | undefined;
  /** Of a hook that failed, where its plugin's `onError` is closed. */
  failed(plugin: string): V;
}

const REJECT: VerdictSort<Reject> = {
  expected: 'nothing, or reject(status, reason)',
  mayIgnore: false,
  signed(value, plugin) {
    const { kind, status, reason, headers } = value as Reject;
    const valid = kind === 'reject' && Number.isInteger(status) && status >= 200 && status <= 599;
    return valid ? { kind, status, reason: String(reason), headers, plugin } : undefined;
  },
  failed: (plugin) => ({ kind: 'reject', status: 500, reason: `plugin ${plugin} failed`, headers: undefined, plugin }),
};

const REJECT_OR_IGNORE: VerdictSort<Reject> = {
  ...REJECT,
  expected: 'nothing, reject(status, reason), or ignore',
  mayIgnore: true,
};

const CLOSE: VerdictSort<'drop' | Close> = {
  expected: "nothing, 'drop', or close(code, reason)",
  mayIgnore: false,
  signed(value, plugin) {
    if (value === 'drop') return value;
    const { kind, code, reason } = value as Close;
    return kind === 'close' && isSendableCloseCode(code) ? { kind, code, reason: String(reason), plugin } : undefined;
  },
  // The reason of a Close has 123 bytes at most (RFC 6455 §5.5).
  failed: (plugin) => ({ kind: 'close', code: 1011, reason: `plugin ${plugin} failed`.slice(0, 123), plugin }),
};

/** Turns what goes wrong in a plugin into a verdict, a count and a log line. */
class Containment {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #errors: ReturnType<Metrics['counter']>;

  constructor({ clock, logger, metrics }: ChainServices) {
    this.#clock = clock;
    this.#logger = logger;
    this.#errors = metrics.counter('outrigger_plugin_errors_total', {
      doc: 'Hooks that threw, rejected, did not settle in time, or returned what is no verdict.',
      labels: ['plugin', 'hook'],
    });
  }

  /** Every failure that there may be is told from now on, as 0: a series that begins with the first one has no rate then. */
  watch(entries: readonly ChainEntry[]): void {
    for (const { plugin, hooks } of entries)
      for (const hook of HOOKS) if (hooks[hook] !== undefined) this.#errors.with(plugin, hook);
  }

  failed(step: Step, error: unknown): void {
    this.#errors.with(step.plugin, step.hook).add();
    this.#logger.error(`${step.hook} of plugin ${step.plugin} failed`, {
      plugin: step.plugin,
      hook: step.hook,
      onError: step.closed ? 'closed' : 'open',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }

  /** What the session gets of a step that failed. */
  verdictOf<V>(step: Step, sort: VerdictSort<V>, error: unknown): V | undefined {
    this.failed(step, error);
    return step.closed ? sort.failed(step.plugin) : undefined;
  }

  /** What the session gets of a value that a step has returned, and that is neither undefined nor a promise. */
  judge<V>(step: Step, sort: VerdictSort<V>, value: unknown, subject: unknown): V | undefined {
    if (value === undefined || value === null) return undefined;
    if (sort.mayIgnore && (value as Partial<Ignore>).kind === 'ignore') {
      const session = subject as { hooks: HookChain };
      session.hooks = session.hooks.without(step.entry);
      return undefined;
    }
    return (
      sort.signed(value, step.plugin) ??
      this.verdictOf(step, sort, new TypeError(`${step.hook} returned ${describe(value)}; expected ${sort.expected}`))
    );
  }

  /** What the session gets of a promise that a step has returned. Never rejects. */
  settle<V>(step: Step, sort: VerdictSort<V>, promise: PromiseLike<unknown>, subject: unknown): Promise<V | undefined> {
    return new Promise((resolve) => {
      let pending = true;
      const late = this.#clock.after(step.timeout, () => {
        pending = false;
        const error = new Error(`${step.hook} did not settle within ${step.timeout} ms (the plugin's timeout)`);
        resolve(this.verdictOf(step, sort, error));
      });
      const settled = (): boolean => {
        if (!pending) return false;
        pending = false;
        late[Symbol.dispose]();
        return true;
      };
      const failed = (error: unknown) => {
        if (settled()) resolve(this.verdictOf(step, sort, error));
      };
      try {
        promise.then((value) => {
          if (settled()) resolve(this.judge(step, sort, value, subject));
        }, failed);
      } catch (error) {
        failed(error);
      }
    });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

function describe(value: unknown): string {
  if (typeof value === 'object') return 'an object that is no verdict';
  if (typeof value === 'function') return 'a function';
  return `the ${typeof value} ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
}

/** Keeps a promise that nobody awaits from ending the process. */
function abandon(promise: PromiseLike<unknown>, failed: (error: unknown) => void): void {
  try {
    promise.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

function acceptChain(chain: readonly Step[], containment: Containment): HookChain['onAccept'] {
  if (chain.length === 0) return null;
  return (peer) => {
    for (let i = 0; i < chain.length; i++) {
      const step = chain[i]!;
      let verdict: Verdict;
      try {
        const value = step.run(peer);
        if (value === undefined) continue;
        if (isThenable(value)) {
          abandon(value, () => {});
          verdict = containment.verdictOf(
            step,
            REJECT,
            new TypeError('onAccept returned a promise; it must be synchronous'),
          );
        } else verdict = containment.judge(step, REJECT, value, peer);
      } catch (error) {
        verdict = containment.verdictOf(step, REJECT, error);
      }
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  };
}

type VerdictRun<V> = (subject: unknown, second?: unknown) => Awaitable<V | undefined>;

function verdictChain<V>(chain: readonly Step[], sort: VerdictSort<V>, containment: Containment): VerdictRun<V> | null {
  const [only] = chain;
  if (only === undefined) return null;
  if (chain.length === 1) {
    return (subject, second) => {
      try {
        const value = only.run(subject, second);
        if (value === undefined) return undefined;
        return isThenable(value)
          ? containment.settle(only, sort, value, subject)
          : containment.judge(only, sort, value, subject);
      } catch (error) {
        return containment.verdictOf(only, sort, error);
      }
    };
  }
  const runFrom = (from: number, subject: unknown, second: unknown): Awaitable<V | undefined> => {
    for (let i = from; i < chain.length; i++) {
      const step = chain[i]!;
      let verdict: V | undefined;
      try {
        const value = step.run(subject, second);
        if (value === undefined) continue;
        if (isThenable(value)) return later(i, value, subject, second);
        verdict = containment.judge(step, sort, value, subject);
      } catch (error) {
        verdict = containment.verdictOf(step, sort, error);
      }
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  };
  const later = (i: number, promise: PromiseLike<unknown>, subject: unknown, second: unknown) =>
    containment
      .settle(chain[i]!, sort, promise, subject)
      .then((verdict) => (verdict === undefined ? runFrom(i + 1, subject, second) : verdict));
  return (subject, second) => runFrom(0, subject, second);
}

function messageChain(
  forward: readonly Step[],
  back: readonly Step[],
  containment: Containment,
): HookChain['onMessage'] {
  const up = verdictChain(forward, CLOSE, containment);
  const down = verdictChain(back, CLOSE, containment);
  if (up === null || down === null) return null;
  if (forward.length === 1) return up;
  return (session, message) => (message.from === 'downstream' ? up(session, message) : down(session, message));
}

type Aftermath = (subject: unknown, plugin: string) => void;

/** A failing hook of an open session, where the plugin's `onError` is closed. */
const endSession: Aftermath = (subject, plugin) => (subject as Session).close(`plugin:${plugin}`);
/** The subject is over, or does not depend on the hook. */
const leaveBe: Aftermath = () => {};

function voidChain(
  chain: readonly Step[],
  containment: Containment,
  aftermath: Aftermath,
): ((subject: unknown, second?: unknown, third?: unknown) => void) | null {
  const [only] = chain;
  if (only === undefined) return null;
  const failed = (step: Step, subject: unknown, error: unknown) => {
    containment.failed(step, error);
    if (step.closed) aftermath(subject, step.plugin);
  };
  const run = (step: Step, subject: unknown, second: unknown, third: unknown) => {
    try {
      const value = step.run(subject, second, third);
      if (value !== undefined && isThenable(value)) strayed(step, subject, value);
    } catch (error) {
      failed(step, subject, error);
    }
  };
  // An `async` hook where none is awaited: what it does is its own, its failure is not lost.
  const strayed = (step: Step, subject: unknown, promise: PromiseLike<unknown>) =>
    abandon(promise, (error) => failed(step, subject, error));
  if (chain.length === 1) return (subject, second, third) => run(only, subject, second, third);
  return (subject, second, third) => {
    for (let i = 0; i < chain.length; i++) run(chain[i]!, subject, second, third);
  };
}

function watchChain(entries: readonly ChainEntry[], containment: Containment): HookChain['watchesMessages'] {
  const watching = entries.filter(({ hooks }) => hooks.onMessage !== undefined);
  if (watching.length === 0) return null;
  const asked = steps(watching, 'watchesMessages');
  if (asked.length < watching.length) return () => true;
  /** Where the plugin guards the messages, not knowing means looking. */
  const failed = (step: Step, error: unknown): boolean => {
    containment.failed(step, error);
    return step.closed;
  };
  const ask = (step: Step, session: Session): boolean => {
    try {
      const value = step.run(session);
      if (typeof value === 'boolean') return value;
      if (isThenable(value)) abandon(value, () => {});
      const what = value === undefined ? 'nothing' : isThenable(value) ? 'a promise' : describe(value);
      return failed(step, new TypeError(`watchesMessages returned ${what}; expected true or false`));
    } catch (error) {
      return failed(step, error);
    }
  };
  return (session) => asked.some((step) => ask(step, session));
}
