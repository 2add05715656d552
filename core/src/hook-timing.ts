import type { Clock } from './clock.ts';
import type { ChainEntry, HookChain } from './hook-chain.ts';
import { type ConnectionHooks, HOOKS } from './hooks.ts';
import type { Histogram, Metrics } from './metrics.ts';

/** One session in so many is timed; a prime, so that it is not always the same one of a client that repeats itself. */
const EVERY = 101;

/** Seconds: from a hook that looks at a header to one that asks another service. */
const BUCKETS = [0.000_001, 0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1, 10];

/** Hooks of connections come before there is a session; `watchesMessages` is asked, and does nothing. */
const UNTIMED: readonly string[] = ['onAccept', 'onConnection', 'onDisconnect', 'watchesMessages'];

let session = 0;

/** The chain for a session that begins: in one of {@link EVERY} the one that measures. The others pay a count. */
export function chainForSession(hooks: HookChain): HookChain {
  if (++session < EVERY) return hooks;
  session = 0;
  return hooks.timed ?? hooks;
}

/** The same entries, with hooks that measure how long they take. */
export function timedEntries(entries: readonly ChainEntry[], clock: Clock, metrics: Metrics): ChainEntry[] {
  const seconds = metrics.histogram('outrigger_plugin_hook_seconds', {
    doc: 'Time that hooks of plugins took, until their promise settled where they returned one; of 1 session in 101.',
    unit: 's',
    labels: ['plugin', 'hook'],
    buckets: BUCKETS,
  });
  return entries.map((entry) => {
    const hooks: Record<string, unknown> = {};
    for (const hook of HOOKS) {
      const run = entry.hooks[hook] as Run | undefined;
      if (run === undefined) continue;
      const own = run.bind(entry.hooks);
      hooks[hook] = UNTIMED.includes(hook) ? own : timed(own, clock, seconds.with(entry.plugin, hook));
    }
    return { ...entry, hooks: hooks as ConnectionHooks };
  });
}

type Run = (...args: unknown[]) => unknown;

function timed(run: Run, clock: Clock, seconds: Histogram): Run {
  return (subject, second, third) => {
    const began = clock.now();
    const record = () => seconds.record((clock.now() - began) / 1_000);
    let later = false;
    try {
      const value = run(subject, second, third);
      if (value instanceof Promise) {
        later = true;
        value.then(record, record);
      }
      return value;
    } finally {
      if (!later) record();
    }
  };
}
