import type { Clock, ConnectionHooks, Deadline, Lifecycle, Logger, Metrics } from '@outrigger/core';
import { EndedSpans } from './ended-spans.ts';
import { type Environment, exportTarget, type OtelEnvironment, readEnvironment } from './environment.ts';
import { MixedPropagation } from './mixed-propagation.ts';
import { otlpExporter } from './otlp-exporter.ts';
import { type Propagation, type PropagationOptions, removeContext, W3cPropagation } from './propagation.ts';
import { always, atLeast, parentBased, ratioBased, type Sampler } from './sampler.ts';
import { MessageSpans, SessionSpans } from './session-spans.ts';
import type { Propagator, TracingSettings } from './settings.ts';
import type { SpanRecord } from './span.ts';
import type { SpanBatch } from './span-batches.ts';
import { SpanExport } from './span-export.ts';
import { SpanStore } from './span-store.ts';
import { trustIn } from './trust.ts';

export interface TracingParts {
  readonly settings: TracingSettings;
  readonly env: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The parts of the plugin, put together by its settings and the environment. */
export class Tracing implements Lifecycle {
  /** Only those that the settings need. */
  readonly hooks: ConnectionHooks;
  readonly #store = new SpanStore();
  readonly #ended: EndedSpans;
  readonly #export: SpanExport | undefined;

  constructor({ settings, env, clock, logger, metrics }: TracingParts) {
    const warn = (message: string) => logger.warn(message, { plugin: 'tracing' });
    const otel = readEnvironment(env, warn);
    const trusts = trustIn(settings.trust);
    this.#ended = new EndedSpans((span) => this.#write(span), clock, logger);
    if (otel.disabled) {
      // Nothing begins here and nothing is sampled; what is trusted passes as it came.
      this.hooks = settings.trust === 'all' ? {} : strangers(trusts);
      return;
    }
    const target = exportTarget(settings, env, warn);
    if (target !== undefined) {
      this.#export = new SpanExport({
        exporter: () => otlpExporter(target, settings.serviceName ?? 'outrigger'),
        limits: otel.batches,
        clock,
        logger: logger.child({ plugin: 'tracing', collector: withoutCredentials(target.url) }),
        metrics,
      });
    }
    const options = {
      propagation: propagationOf(otel.propagators ?? settings.propagators, {
        sampler: samplerOf(settings, otel, clock),
        trusts,
      }),
      clock,
      segmentMs: settings.segment,
      sink: (span: SpanRecord) => this.#ended.add(span),
    };
    this.hooks = settings.messages > 0 ? new MessageSpans(options, settings.messages) : new SessionSpans(options);
  }

  /** What was recorded last, up to now, wherever else it goes. */
  get recent(): Iterable<SpanBatch> {
    this.#ended.write();
    return this.#store;
  }

  #write(span: SpanRecord): void {
    if (this.#store.add(span)) this.#export?.add(this.#store);
  }

  async start(): Promise<void> {
    await this.#export?.start();
  }

  drain(by: Deadline): Promise<void> | undefined {
    this.#ended.write();
    return this.#export?.drain(by);
  }

  stop(): Promise<void> | undefined {
    this.#ended.write();
    return this.#export?.stop();
  }
}

function propagationOf(propagators: readonly Propagator[], options: PropagationOptions): Propagation {
  const formats = propagators.filter((name) => name !== 'baggage');
  return formats.length === 1 && formats[0] === 'tracecontext'
    ? new W3cPropagation(options)
    : new MixedPropagation(options, formats);
}

/** OTEL_TRACES_SAMPLER replaces the file's `sampling` and `atLeast` as a whole. */
function samplerOf(settings: TracingSettings, { sampler }: OtelEnvironment, clock: Clock): Sampler {
  if (sampler === undefined) {
    return parentBased(atLeast(settings.atLeast, ratioBased(settings.sampling), clock));
  }
  const ratio = sampler.name.endsWith('always_off') ? 0 : sampler.ratio;
  return sampler.name.startsWith('parentbased') ? parentBased(ratioBased(ratio)) : always(ratioBased(ratio));
}

function strangers(trusts: ReturnType<typeof trustIn>): ConnectionHooks {
  return {
    onRequest(session) {
      if (!trusts(session.connection)) removeContext(session.request.headers);
    },
  };
}

function withoutCredentials(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
