import type { Clock, Counter, Lifecycle, Logger } from '@outrigger/core';
import type { MetricsExporter } from './otlp-exporter.ts';
import type { Registry } from './registry.ts';

export interface PushParts {
  readonly registry: Registry;
  /** OpenTelemetry's `service.name`, where the environment has none. */
  readonly serviceName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long the end of the plugin waits for the last push. */
const STOP_MS = 1_000;

/** Whether the environment asks for metrics by OTLP (OpenTelemetry, "Environment Variable Specification"). */
export function isPushWanted(env: PushParts['env']): boolean {
  const exporters = (env['OTEL_METRICS_EXPORTER'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  return exporters.includes('otlp') && env['OTEL_SDK_DISABLED']?.trim().toLowerCase() !== 'true';
}

/** Sends all metrics by OTLP every `OTEL_METRIC_EXPORT_INTERVAL` milliseconds, and once more at the end. */
export class OtlpPush implements Lifecycle {
  readonly #parts: PushParts;
  readonly #failures: Counter;
  #exporter: MetricsExporter | undefined;
  #timer: Disposable | undefined;
  #pushing: Promise<void> | undefined;
  #failing = false;

  constructor(parts: PushParts) {
    this.#parts = parts;
    this.#failures = parts.registry
      .counter('outrigger_metrics_push_failures_total', { doc: 'Pushes of metrics by OTLP that failed.' })
      .with();
  }

  async start(): Promise<void> {
    const { serviceName, env, clock, logger } = this.#parts;
    const [{ pushTarget }, { otlpExporter }] = await Promise.all([
      import('./environment.ts'),
      import('./otlp-exporter.ts'),
    ]);
    const target = pushTarget(env, (message) => logger.warn(message));
    this.#exporter = otlpExporter(serviceName, target, clock.wallTime());
    this.#arm(target.intervalMs);
  }

  /** Sends what is known by then; a collector that does not answer holds it up for a second. */
  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    if (this.#exporter === undefined) return;
    const last = (this.#pushing ?? Promise.resolve()).then(() => this.#push());
    const late = Promise.withResolvers<void>();
    const deadline = this.#parts.clock.after(STOP_MS, late.resolve);
    await Promise.race([last, late.promise]);
    deadline[Symbol.dispose]();
    // It waits for requests that are under way: by now for none, or in vain.
    this.#exporter.shutdown().catch(() => {});
  }

  #arm(intervalMs: number): void {
    this.#timer = this.#parts.clock.after(intervalMs, () => {
      this.#arm(intervalMs);
      // A push that takes longer than the interval is not overtaken.
      if (this.#pushing !== undefined) return;
      this.#pushing = this.#push().finally(() => {
        this.#pushing = undefined;
      });
    });
  }

  async #push(): Promise<void> {
    const { registry, clock, logger } = this.#parts;
    const why = await this.#exporter!.export(registry.collect(), clock.wallTime());
    if (why !== undefined) this.#failures.add();
    if (this.#failing === (why !== undefined)) return;
    this.#failing = why !== undefined;
    if (this.#failing) logger.warn('metrics cannot be pushed; told once until they can', { why });
    else logger.info('metrics are pushed again');
  }
}
