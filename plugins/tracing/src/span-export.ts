import type { Clock, Counter, Deadline, Logger, Metrics } from '@outrigger/core';
import type { BatchLimits } from './environment.ts';
import type { SpanExporter } from './otlp-exporter.ts';
import type { Rejected } from './otlp-response.ts';
import { Outage } from './outage.ts';
import { type SpanBatch, SpanBatches } from './span-batches.ts';
import type { EncodedSpan } from './span-store.ts';

export interface SpanExportOptions {
  /** Once, by {@link SpanExport.start}, or with the first batch. */
  readonly exporter: () => Promise<SpanExporter>;
  readonly limits: BatchLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Exports spans in batches, one batch at a time, never on a session's way. What the exporter does, or does not do, stays here: a
 * batch that fails is lost, and a queue that is full loses what comes.
 */
export class SpanExport {
  readonly #options: SpanExportOptions;
  readonly #batches: SpanBatches;
  readonly #outage: Outage;
  readonly #exported: Counter;
  readonly #dropped: { readonly queue: Counter; readonly export: Counter };
  #exporter: Promise<SpanExporter> | undefined;
  #timer: Disposable | undefined;
  #soon: NodeJS.Immediate | undefined;
  #running: Promise<void> | undefined;
  #flushing = false;
  /** Whether the collector has ever taken anything. */
  #reached = false;
  #drained = false;
  #stopped = false;

  constructor(options: SpanExportOptions) {
    this.#options = options;
    const { clock, logger, metrics, limits } = options;
    this.#batches = new SpanBatches(limits.queueSize, limits.batchSize);
    this.#outage = new Outage(clock, logger);
    this.#exported = metrics
      .counter('outrigger_tracing_spans_exported_total', { doc: 'Spans that the collector has taken.' })
      .with();
    const dropped = metrics.counter('outrigger_tracing_spans_dropped_total', {
      doc: 'Spans that were lost: the queue was full, or their export failed.',
      labels: ['reason'],
    });
    this.#dropped = { queue: dropped.with('queue'), export: dropped.with('export') };
  }

  /** Makes the exporter, so that this holds up no session later. */
  start(): Promise<SpanExporter> {
    this.#exporter ??= this.#options.exporter();
    return this.#exporter;
  }

  /** A span has ended: its bytes are copied. */
  add(span: EncodedSpan): void {
    if (this.#stopped || !this.#batches.add(span)) {
      this.#dropped.queue.add();
      this.#outage.lost(1, this.#stopped ? 'tracing has stopped' : 'the queue is full (OTEL_BSP_MAX_QUEUE_SIZE)');
    } else if (this.#running === undefined) this.#schedule();
  }

  /**
   * Exports what waits; resolves when nothing does, at the deadline at the latest; within a second where the collector has never
   * taken anything, or is known not to: the end of a sidecar is not held up for it.
   */
  async drain(by: Pick<Deadline, 'at'>): Promise<void> {
    const left = by.at - this.#options.clock.now();
    await this.#within(this.#inVain ? Math.min(left, STOP_MS) : left, this.#flush());
    this.#drained = true;
  }

  /** Exports what waits, for a second at most unless a drain has waited in vain, and lets go of the exporter. */
  async stop(): Promise<void> {
    await this.#within(this.#drained && this.#inVain ? 0 : STOP_MS, this.#flush());
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    clearImmediate(this.#soon);
    const left = this.#batches.size;
    if (left > 0) this.#lost(left, 'tracing was stopped before they could be exported');
    // It waits for what is under way, which need not hold up anybody.
    this.#exporter?.then((exporter) => exporter.shutdown()).catch(() => {});
  }

  /** Whether nothing says that the collector takes anything. */
  get #inVain(): boolean {
    return !this.#reached || this.#outage.lasts;
  }

  #schedule(): void {
    const { clock, limits } = this.#options;
    if (this.#batches.size >= limits.batchSize) {
      this.#soon ??= setImmediate(() => this.#run());
    } else {
      this.#timer ??= clock.after(limits.delayMs, () => this.#run());
    }
  }

  #flush(): Promise<void> {
    if (this.#batches.size === 0) return this.#running ?? Promise.resolve();
    this.#flushing = true;
    return this.#run();
  }

  #run(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    clearImmediate(this.#soon);
    this.#soon = undefined;
    this.#running ??= this.#exportBatches();
    return this.#running;
  }

  /** Never rejects. */
  async #exportBatches(): Promise<void> {
    const { batchSize } = this.#options.limits;
    do await this.#exportBatch(this.#batches.take()!);
    while (!this.#stopped && this.#batches.size >= (this.#flushing ? 1 : batchSize));
    this.#flushing = false;
    this.#running = undefined;
    if (this.#batches.size > 0) this.#schedule();
  }

  async #exportBatch(batch: SpanBatch): Promise<void> {
    try {
      const rejected = await this.#send(batch);
      this.#reached = true;
      this.#exported.add(batch.count - (rejected?.spans ?? 0));
      if (rejected === undefined) this.#outage.exported();
      else this.#lost(rejected.spans, rejected.why || 'the collector rejected them');
    } catch (error) {
      this.#lost(batch.count, messageOf(error));
    }
    this.#batches.done(batch);
  }

  #lost(spans: number, why: string): void {
    this.#dropped.export.add(spans);
    this.#outage.lost(spans, why);
  }

  async #send(batch: SpanBatch): Promise<Rejected | undefined> {
    const { clock, limits } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Rejected | undefined>();
    const late = clock.after(limits.timeoutMs, () => reject(new Error(`no answer within ${limits.timeoutMs} ms`)));
    try {
      this.start()
        .then((exporter) => exporter.export(batch))
        .then(resolve, reject);
      return await promise;
    } finally {
      late[Symbol.dispose]();
    }
  }

  async #within(ms: number, done: Promise<void>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(Math.max(0, ms), resolve);
    await Promise.race([done, late]);
    timer[Symbol.dispose]();
  }
}

/** What `stop` waits for: the sessions that it has cut are to be seen, but nobody is to wait for a collector. */
const STOP_MS = 1000;

/** Node's errors of several addresses have a code, and no message. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
