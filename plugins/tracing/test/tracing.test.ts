import {
  type ComposedPlugin,
  Composition,
  type Configuration,
  type ConnectionHooks,
  type ListenerSpec,
  OpenSessions,
  VirtualClock,
} from '@outrigger/core';
import { expect } from 'chai';
import tracing from '../src/index.ts';
import type { TracingSettings } from '../src/settings.ts';
import { Tracing } from '../src/tracing.ts';
import { OtlpCollector } from './otlp-collector.ts';
import { attemptAt, outcomeOf, recordingLogger, recordingMetrics, sessionFor } from './stand-ins.ts';

const file: TracingSettings = {
  sampling: 1,
  atLeast: 0,
  trust: 'all',
  endpoint: undefined,
  protocol: 'http/protobuf',
  headers: {},
};

function tracingWith(settings: Partial<TracingSettings>, env: Readonly<Record<string, string>> = {}) {
  const logger = recordingLogger();
  const parts = new Tracing({
    settings: { ...file, ...settings },
    env,
    clock: new VirtualClock(),
    logger,
    metrics: recordingMetrics(),
  });
  return { parts, hooks: parts.hooks, logger };
}

function requested(hooks: ConnectionHooks, headers: readonly (readonly [string, string])[] = []) {
  const session = sessionFor({ headers });
  void hooks.onRequest?.(session);
  return session;
}

describe('tracing', () => {
  it('begins a trace where nothing is exported, too, and needs one hook for that', () => {
    const { hooks } = tracingWith({});
    expect(requested(hooks).request.headers.get('traceparent')).to.match(/-01$/);
    expect(Object.keys(hooks)).to.deep.equal(['onRequest']);
  });

  for (const [env, flags] of [
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, '00'],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, '00'],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, '00'],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, '01'],
    [{}, '01'],
  ] as const) {
    it(`gives a trace the flags ${flags} with ${JSON.stringify(env)}`, () => {
      const { hooks } = tracingWith({}, env);
      expect(requested(hooks).request.headers.get('traceparent')).to.match(new RegExp(`-${flags}$`));
    });
  }

  it('does nothing where the SDK is disabled', () => {
    expect(tracingWith({ endpoint: 'http://c' }, { OTEL_SDK_DISABLED: 'true' }).hooks).to.deep.equal({});
  });

  it('still keeps out what strangers say of traces where the SDK is disabled', () => {
    const { hooks } = tracingWith({ trust: 'none' }, { OTEL_SDK_DISABLED: 'true' });
    const session = requested(hooks, [
      ['traceparent', 'x'],
      ['tracestate', 'a=1'],
      ['baggage', 'b=2'],
      ['accept', '*/*'],
    ]);
    expect(session.request.headers.lines).to.deep.equal([['accept', '*/*']]);
  });

  it('tells what it cannot read in the environment', () => {
    const { logger } = tracingWith({}, { OTEL_TRACES_SAMPLER: 'sometimes' });
    expect(logger.lines[0]?.[0]).to.match(/^warn OTEL_TRACES_SAMPLER is "sometimes", expected one of always_on, /);
  });

  it('exports a session through what the plugin contributes, and is flushed by its life cycle', async () => {
    const collector = new OtlpCollector();
    const endpoint = await collector.listen();
    const plugin = tracing;
    const composed = {
      plugin,
      settings: { ...file, endpoint, serviceName: 'chat' },
      onError: 'closed',
      timeout: 1000,
    } as unknown as ComposedPlugin;
    const composition = new Composition([composed], {
      clock: new VirtualClock(),
      logger: recordingLogger(),
      sessions: new OpenSessions(),
      connector: { name: 'tcp' },
      sidecar: {},
    } as unknown as ConstructorParameters<typeof Composition>[1]);
    const hooks = composition.hooksFor({ name: 'inbound' } as ListenerSpec, {} as Configuration);
    const session = sessionFor();
    const attempt = attemptAt('127.0.0.1:4001');
    expect(hooks.onRequest?.(session)).to.equal(undefined);
    hooks.onAttempt?.(session, attempt);
    hooks.onAttemptEnd?.(session, attempt);
    hooks.onSessionEnd?.(session, outcomeOf('complete', 200));
    expect(composition.lifecycles).to.have.length(1);
    await composition.lifecycles[0]?.value.drain?.({ at: 1000, rate: 1 });
    expect(collector.spans.map(({ name, kind }) => [name, kind])).to.deep.equal([
      ['GET', 3],
      ['GET', 2],
    ]);
    expect(collector.exports[0]?.resource['service.name']).to.equal('chat');
    await composition.lifecycles[0]?.value.stop?.();
    await collector.close();
  });
});
