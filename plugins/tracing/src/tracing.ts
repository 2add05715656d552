import type { Clock, ConnectionHooks, Deadline, Lifecycle, Logger, Metrics } from '@outrigger/core';
import { type Environment, exportTarget, type OtelEnvironment, readEnvironment } from './environment.ts';
import { otlpExporter } from './otlp-exporter.ts';
import { Propagation, removeContext } from './propagation.ts';
import { resourceOf } from './resource.ts';
import { always, atLeast, parentBased, ratioBased, type Sampler } from './sampler.ts';
import { SessionSpans } from './session-spans.ts';
import type { TracingSettings } from './settings.ts';
import { SpanExport } from './span-export.ts';
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
  readonly #export: SpanExport | undefined;

  constructor({ settings, env, clock, logger, metrics }: TracingParts) {
    const warn = (message: string) => logger.warn(message, { plugin: 'tracing' });
    const otel = readEnvironment(env, warn);
    const trusts = trustIn(settings.trust);
    if (otel.disabled) {
      // Nothing begins here and nothing is sampled; what is trusted passes as it came.
      this.hooks = settings.trust === 'all' ? {} : strangers(trusts);
      return;
    }
    const target = exportTarget(settings, env, warn);
    const sampler = samplerOf(settings, otel, clock);
    const propagation = new Propagation({ sampler, trusts, recording: target !== undefined });
    if (target === undefined) {
      this.hooks = { onRequest: (session) => void propagation.begin(session) };
      return;
    }
    const spans = new SpanExport({
      exporter: otlpExporter(target, resourceOf(settings.serviceName ?? 'outrigger')),
      limits: otel.batches,
      clock,
      logger: logger.child({ plugin: 'tracing', collector: withoutCredentials(target.url) }),
      metrics,
    });
    this.#export = spans;
    this.hooks = new SessionSpans(propagation, clock, (span) => spans.add(span));
  }

  drain(by: Deadline): Promise<void> | undefined {
    return this.#export?.drain(by);
  }

  stop(): Promise<void> | undefined {
    return this.#export?.stop();
  }
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
