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
import { OtlpCollector } from '../../../test/support/otlp-collector.ts';
import tracing from '../src/index.ts';
import { type RecentTrace, recentTraces } from '../src/recent-traces.ts';
import type { TracingSettings } from '../src/settings.ts';
import { tracesRoute } from '../src/traces-route.ts';
import { Tracing } from '../src/tracing.ts';
import { attemptAt, outcomeOf, overlaid, recordingLogger, recordingMetrics, sessionFor } from './stand-ins.ts';

const file: TracingSettings = {
  sampling: 1,
  atLeast: 0,
  trust: 'all',
  propagators: ['tracecontext', 'baggage'],
  segment: 60_000,
  messages: 0,
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

/** What goes up with the first attempt of a session. */
function sent(hooks: ConnectionHooks, name: string): string | undefined {
  const session = requested(hooks);
  const attempt = attemptAt('127.0.0.1:4001');
  hooks.onAttempt?.(session, attempt);
  return overlaid(attempt, name) ?? session.request.headers.get(name);
}

describe('tracing', () => {
  it('records without a collector, too: for /traces', () => {
    const { parts, hooks } = tracingWith({});
    const session = requested(hooks);
    hooks.onSessionEnd?.(session, outcomeOf('complete', 200));
    const { body } = tracesRoute(() => parts.recent).serve({
      method: 'GET',
      path: '/traces',
      accept: '',
      query: new URLSearchParams(),
      body: '',
      headers: {},
      signal: AbortSignal.any([]),
    }) as { body: { traces: readonly RecentTrace[] } };
    expect(body.traces.map(({ name, spans }) => [name, spans.length])).to.deep.equal([['GET', 1]]);
  });

  it('keeps what it exports for /traces, too', async () => {
    const collector = new OtlpCollector();
    const { parts, hooks } = tracingWith({ endpoint: await collector.listen() });
    hooks.onSessionEnd?.(requested(hooks), outcomeOf('complete', 200));
    await parts.stop();
    const [exported] = collector.spans;
    expect(recentTraces(parts.recent, 1)[0]).to.include({ traceId: exported!.traceId });
    await collector.close();
  });

  for (const [env, flags] of [
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, '01'],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, '00'],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, '01'],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, '00'],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, '00'],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, '01'],
    [{}, '01'],
  ] as const) {
    it(`gives a trace the flags ${flags} with ${JSON.stringify(env)}`, () => {
      expect(sent(tracingWith({}, env).hooks, 'traceparent')).to.match(new RegExp(`-${flags}$`));
    });
  }

  it('speaks the formats of the file, or those of OTEL_PROPAGATORS instead', () => {
    const { hooks } = tracingWith({ propagators: ['b3'] });
    expect(sent(hooks, 'b3')).to.match(/^[0-9a-f]{32}-[0-9a-f]{16}-1$/);
    expect(sent(hooks, 'traceparent')).to.equal(undefined);
    const told = tracingWith({ propagators: ['b3'] }, { OTEL_PROPAGATORS: 'tracecontext,b3multi' }).hooks;
    expect(sent(told, 'b3')).to.equal(undefined);
    expect(sent(told, 'x-b3-sampled')).to.equal('1');
    expect(sent(told, 'traceparent')).to.match(/-01$/);
  });

  it('sends no context with OTEL_PROPAGATORS=none, lets pass what came, and records', () => {
    const { parts, hooks } = tracingWith({}, { OTEL_PROPAGATORS: 'none' });
    expect(sent(hooks, 'traceparent')).to.equal(undefined);
    const session = requested(hooks, [['traceparent', 'whatever']]);
    expect(session.request.headers.get('traceparent')).to.equal('whatever');
    hooks.onSessionEnd?.(session, outcomeOf('complete', 200));
    expect(recentTraces(parts.recent, 10)).to.have.length(1);
  });

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
    expect(logger.lines[0]?.[0]).to.match(
      /^warn OTEL_TRACES_SAMPLER cannot be understood, expected one of always_on, /,
    );
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
