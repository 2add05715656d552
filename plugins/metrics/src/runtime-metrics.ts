import { constants, PerformanceObserver, performance } from 'node:perf_hooks';
import type { Counter, Lifecycle } from '@outrigger/core';
import { LoopDelay } from './loop-delay.ts';
import type { Registry } from './registry.ts';

const GC_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];
const QUANTILES = [50, 90, 99] as const;

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** What Node's entries of the type `gc` have. */
interface Collection {
  /** Milliseconds. */
  readonly duration: number;
  readonly detail: { readonly kind: number };
}

/** What the event loop and the collection of garbage take: it runs from `start` to `stop`. */
export class RuntimeMetrics implements Lifecycle {
  readonly #registry: Registry;
  readonly #delay = new LoopDelay();
  #observer: PerformanceObserver | undefined;
  #reading: Disposable | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  start(): void {
    const gc = this.#registry.histogram('nodejs_gc_duration_seconds', {
      doc: 'Time of each collection of garbage.',
      unit: 's',
      labels: ['kind'],
      buckets: GC_BUCKETS,
    });
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration, detail } of list.getEntries() as unknown as readonly Collection[])
        gc.with(GC_KINDS[detail.kind] ?? 'other').record(duration / 1_000);
    });
    this.#observer.observe({ entryTypes: ['gc'] });
    this.#delay.start();
    this.#reading = this.#registry.onCollect(this.#reader());
  }

  stop(): void {
    this.#reading?.[Symbol.dispose]();
    this.#observer?.disconnect();
    this.#delay.stop();
  }

  #reader(): () => void {
    const lag = (which: string, doc: string) =>
      this.#registry
        .gauge(`nodejs_eventloop_lag_${which}_seconds`, { doc: `${doc} since the last collection.`, unit: 's' })
        .with();
    const quantiles = QUANTILES.map((percent) => ({
      percent,
      gauge: lag(`p${percent}`, `How late the event loop came to its timers at most, ${percent} times in 100,`),
    }));
    const longest = lag('max', 'How late the event loop came to its timers at most');
    const busy: Counter = this.#registry
      .counter('nodejs_eventloop_active_seconds_total', {
        doc: 'Time in which the event loop did something, and did not wait.',
        unit: 's',
      })
      .with();
    let told = 0;
    return () => {
      for (const { percent, gauge } of quantiles) gauge.set(this.#delay.seconds(percent));
      longest.set(this.#delay.seconds(100));
      this.#delay.reset();
      const { active } = performance.eventLoopUtilization();
      busy.add(active / 1_000 - told);
      told = active / 1_000;
    };
  }
}
