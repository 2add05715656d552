import type { Outcome } from './cause.ts';
import type { Clock } from './clock.ts';
import type { Address, Connection } from './connection.ts';
import type { Awaitable, Close, ConnectionHooks, Reject } from './hooks.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
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
  readonly onMessage: ((s: Session, m: Message) => Awaitable<undefined | 'drop' | Close>) | null;
  /** Whether a plugin of the chain wants the messages of this session; null where none has `onMessage`. */
  readonly watchesMessages: ((s: Session) => boolean) | null;
  readonly onPong: ((s: Session, side: Side, rttMs: number) => void) | null;
  readonly onSessionEnd: ((s: Session, o: Outcome) => void) | null;
  readonly onDisconnect: ((c: Connection) => void) | null;
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
 * Flattens hooks into one chain. `entries` are in plugin order: hooks towards upstream run in it (onAccept, onConnection,
 * onRequest, onUpgrade, onRoute, onAttempt, messages from downstream), those on the way back in reverse.
 */
export function chainHooks(entries: readonly ChainEntry[], services: ChainServices): HookChain {
  const containment = new Containment(services);
  const back = entries.toReversed();
  const messagesUp = steps<[Session, Message], MessageVerdict>(entries, 'onMessage');
  const messagesDown = steps<[Session, Message], MessageVerdict>(back, 'onMessage');
  return {
    onAccept: acceptChain(steps(entries, 'onAccept'), containment),
    onConnection: verdictChain(steps(entries, 'onConnection'), containment),
    onRequest: verdictChain(steps(entries, 'onRequest'), containment),
    onUpgrade: verdictChain(steps(entries, 'onUpgrade'), containment),
    onRoute: verdictChain(steps(entries, 'onRoute'), containment),
    onAttempt: voidChain(steps<[Session, Attempt], void>(entries, 'onAttempt'), containment, endSession),
    onAttemptEnd: voidChain(steps<[Session, Attempt], void>(back, 'onAttemptEnd'), containment, leaveBe),
    onResponse: verdictChain(steps(back, 'onResponse'), containment),
    onOpen: voidChain(steps<[Session], void>(back, 'onOpen'), containment, endSession),
    onMessage: messageChain(messagesUp, messagesDown, containment),
    watchesMessages: watchChain(entries, containment),
    onPong: voidChain(steps<[Session, Side, number], void>(back, 'onPong'), containment, endSession),
    onSessionEnd: voidChain(steps<[Session, Outcome], void>(back, 'onSessionEnd'), containment, leaveBe),
    onDisconnect: voidChain(steps<[Connection], void>(back, 'onDisconnect'), containment, leaveBe),
  };
}

type MessageVerdict = Awaitable<undefined | void | 'drop' | Close>;

/** One plugin's implementation of one hook. */
interface Step<A extends unknown[], R> {
  readonly plugin: string;
  readonly hook: string;
  readonly run: (...args: A) => R;
  readonly closed: boolean;
  readonly timeout: number;
}

function steps<A extends unknown[], R>(entries: readonly ChainEntry[], hook: keyof ConnectionHooks): Step<A, R>[] {
  return entries.flatMap(({ plugin, hooks, onError, timeout }) => {
    const implementation = hooks[hook] as ((...args: A) => R) | undefined;
    if (implementation === undefined) return [];
    return [
      { plugin, hook, run: implementation.bind(hooks) as Step<A, R>['run'], closed: onError === 'closed', timeout },
    ];
  });
}

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

  failed(step: Step<never, unknown>, error: unknown): void {
    this.#errors.with(step.plugin, step.hook).add();
    this.#logger.error(`${step.hook} of plugin ${step.plugin} failed`, {
      plugin: step.plugin,
      hook: step.hook,
      onError: step.closed ? 'closed' : 'open',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }

  /** The value of a promise, or `fallback` of what went wrong with it. Never rejects. */
  settle<T, V>(
    step: Step<never, unknown>,
    promise: PromiseLike<T>,
    judge: (value: T) => V,
    fallback: (error: unknown) => V,
  ): Promise<V> {
    return new Promise((resolve) => {
      const late = this.#clock.after(step.timeout, () => {
        resolve(fallback(new Error(`${step.hook} did not settle within ${step.timeout} ms (the plugin's timeout)`)));
      });
      promise.then(
        (value) => {
          late[Symbol.dispose]();
          resolve(judge(value));
        },
        (error: unknown) => {
          late[Symbol.dispose]();
          resolve(fallback(error));
        },
      );
    });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

/** What the session gets of a step that failed. */
function failure(step: Step<never, unknown>, error: unknown, containment: Containment): Verdict {
  containment.failed(step, error);
  return step.closed
    ? { kind: 'reject', status: 500, reason: `plugin ${step.plugin} failed`, plugin: step.plugin }
    : undefined;
}

function judgeReject(step: Step<never, unknown>, value: unknown, containment: Containment): Verdict {
  if (value === undefined || value === null) return undefined;
  if ((value as Reject).kind === 'reject') return { ...(value as Reject), plugin: step.plugin };
  return failure(
    step,
    new TypeError(`${step.hook} returned ${describe(value)}; expected nothing, or reject(status, reason)`),
    containment,
  );
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'an object that is no verdict' : `${typeof value} ${String(value)}`;
}

function acceptChain(chain: Step<[Address], unknown>[], containment: Containment): HookChain['onAccept'] {
  if (chain.length === 0) return null;
  return (peer) => {
    for (const step of chain) {
      let verdict: Verdict;
      try {
        const value = step.run(peer);
        if (value === undefined) continue;
        if (isThenable(value)) {
          value.then(undefined, () => {});
          verdict = failure(step, new TypeError('onAccept returned a promise; it must be synchronous'), containment);
        } else verdict = judgeReject(step, value, containment);
      } catch (error) {
        verdict = failure(step, error, containment);
      }
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  };
}

function verdictChain<S>(
  chain: Step<[S], unknown>[],
  containment: Containment,
): ((subject: S) => Awaitable<Verdict>) | null {
  if (chain.length === 0) return null;
  const run = (subject: S, from: number): Awaitable<Verdict> => {
    for (let i = from; i < chain.length; i++) {
      const step = chain[i]!;
      let verdict: Verdict;
      try {
        const value = step.run(subject);
        if (value === undefined) continue;
        if (isThenable(value)) {
          return containment
            .settle(
              step,
              value,
              (late) => judgeReject(step, late, containment),
              (error) => failure(step, error, containment),
            )
            .then((late) => late ?? run(subject, i + 1));
        }
        verdict = judgeReject(step, value, containment);
      } catch (error) {
        verdict = failure(step, error, containment);
      }
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  };
  return (subject) => run(subject, 0);
}

type Aftermath = (subject: unknown, plugin: string) => void;

/** A failing hook of an open session, where the plugin's `onError` is closed. */
const endSession: Aftermath = (subject, plugin) => (subject as Session).close(`plugin:${plugin}`);
/** The subject is over, or does not depend on the hook. */
const leaveBe: Aftermath = () => {};

function voidChain<A extends [unknown, ...unknown[]]>(
  chain: Step<A, void>[],
  containment: Containment,
  aftermath: Aftermath,
): ((...args: A) => void) | null {
  if (chain.length === 0) return null;
  const failed = (step: Step<A, void>, subject: unknown, error: unknown) => {
    containment.failed(step as Step<never, void>, error);
    if (step.closed) aftermath(subject, step.plugin);
  };
  const run = (step: Step<A, void>, args: A) => {
    try {
      const value: unknown = step.run(...args);
      // An `async` hook where none is awaited: what it does is its own, its failure is not lost.
      if (value !== undefined && isThenable(value))
        value.then(undefined, (error: unknown) => failed(step, args[0], error));
    } catch (error) {
      failed(step, args[0], error);
    }
  };
  const [only] = chain;
  if (chain.length === 1) return (...args) => run(only!, args);
  return (...args) => {
    for (const step of chain) run(step, args);
  };
}

function messageChain(
  up: Step<[Session, Message], MessageVerdict>[],
  down: Step<[Session, Message], MessageVerdict>[],
  containment: Containment,
): HookChain['onMessage'] {
  if (up.length === 0) return null;
  type Decided = undefined | 'drop' | Close;
  const failed = (step: Step<never, unknown>, error: unknown): Decided => {
    containment.failed(step, error);
    return step.closed
      ? { kind: 'close', code: 1011, reason: `plugin ${step.plugin} failed`.slice(0, 123), plugin: step.plugin }
      : undefined;
  };
  const judge = (step: Step<never, unknown>, value: unknown): Decided => {
    if (value === undefined || value === null) return undefined;
    if (value === 'drop') return 'drop';
    if ((value as Close).kind === 'close') return { ...(value as Close), plugin: step.plugin };
    return failed(
      step,
      new TypeError(`onMessage returned ${describe(value)}; expected nothing, 'drop', or close(code, reason)`),
    );
  };
  const run = (session: Session, message: Message, from: number): Awaitable<Decided> => {
    const chain = message.from === 'downstream' ? up : down;
    for (let i = from; i < chain.length; i++) {
      const step = chain[i]!;
      let verdict: Decided;
      try {
        const value = step.run(session, message);
        if (value === undefined) continue;
        if (isThenable(value)) {
          return containment
            .settle(
              step,
              value,
              (late) => judge(step, late),
              (error) => failed(step, error),
            )
            .then((late) => late ?? run(session, message, i + 1));
        }
        verdict = judge(step, value);
      } catch (error) {
        verdict = failed(step, error);
      }
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  };
  return (session, message) => run(session, message, 0);
}

function watchChain(entries: readonly ChainEntry[], containment: Containment): HookChain['watchesMessages'] {
  const watching = entries.filter(({ hooks }) => hooks.onMessage !== undefined);
  if (watching.length === 0) return null;
  const asked = steps<[Session], boolean>(watching, 'watchesMessages');
  if (asked.length < watching.length) return () => true;
  return (session) => {
    for (const step of asked) {
      try {
        if (step.run(session)) return true;
      } catch (error) {
        containment.failed(step as Step<never, boolean>, error);
        // Where the plugin guards the messages, not knowing means looking.
        if (step.closed) return true;
      }
    }
    return false;
  };
}
