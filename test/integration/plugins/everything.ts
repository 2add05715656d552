import {
  AdminRoute,
  type Balancer,
  BalancerFactory,
  Clock,
  ConnectionHooks,
  createSlot,
  Discovery,
  definePlugin,
  type Endpoint,
  Lifecycle,
  Logger,
  Metrics,
  reject,
  type Session,
  Sessions,
} from '@outrigger/core';

// A third party's plugin that uses all there is to use. Tests copy it out of the tree and load it from there, so it may
// import nothing but @outrigger/core. It logs each call with the name of its hook.

interface Settings {
  readonly greeting: string;
  readonly patience: number;
}

const began = createSlot<number>('everything.began');

/** Picks the endpoint of the zone that the request asks for. */
class ByZone implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  readonly #fallback: string;

  constructor(fallback: string) {
    this.#fallback = fallback;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
  }

  pick(session: Session, tried: readonly Endpoint[]): Endpoint | undefined {
    const zone = session.request.headers.get('x-zone') ?? this.#fallback;
    return this.#endpoints.find((endpoint) => endpoint.metadata['zone'] === zone && !tried.includes(endpoint));
  }
}

export default definePlugin<Settings>({
  name: '@third-party/everything',
  config: {
    greeting: { doc: 'What every response is told.', format: String },
    patience: { doc: 'How long the start takes.', format: 'duration', default: '10ms' as unknown as number },
  },
  sections: {
    listener: { closed: { doc: 'Refuses every session.', format: Boolean, default: false } },
    route: { shout: { doc: 'Turns bodies into capitals.', format: Boolean, default: false } },
    cluster: { team: { doc: 'Who is to be asked.', format: String, optional: true } },
    endpoint: { zone: { doc: 'Where it is.', format: String, optional: true } },
  },
  after: ['routing'],
  bind(bind, { greeting, patience }) {
    bind(Lifecycle).toResolvedValue(
      (clock: Clock, logger: Logger, metrics: Metrics, sessions: Sessions): Lifecycle => {
        const starts = metrics.counter('everything_starts_total', { doc: 'Starts.', labels: ['plugin'] });
        return {
          init: () => logger.info('lifecycle', { step: 'init', patience }),
          async start() {
            await new Promise<void>((resolve) => clock.after(patience, resolve));
            starts.with('everything').add();
            logger.info('lifecycle', { step: 'start' });
          },
          drain: (by) =>
            logger.info('lifecycle', { step: 'drain', left: by.at - clock.now() > 0, open: sessions.size }),
          stop: () => logger.info('lifecycle', { step: 'stop' }),
        };
      },
      [Clock, Logger, Metrics, Sessions],
    );
    bind(AdminRoute).toConstantValue({
      method: 'GET',
      path: '/everything',
      doc: 'Says that it is there.',
      serve: () => ({ body: { greeting } }),
    });
    bind(BalancerFactory).toConstantValue({
      policy: 'by-zone',
      config: { fallback: { doc: 'The zone of who asks for none.', format: String, default: 'north' } },
      create: (settings) => new ByZone(settings['fallback'] as string),
    });
    bind(Discovery).toConstantValue({
      name: 'two-zones',
      config: {
        north: { doc: 'The endpoint in the north.', format: 'address' },
        south: { doc: 'The endpoint in the south.', format: 'address' },
      },
      watch(spec, onChange) {
        const { north, south } = spec as { north: string; south: string };
        onChange([
          { address: north, metadata: { zone: 'north' } },
          { address: south, metadata: { zone: 'south' } },
        ]);
        return { [Symbol.dispose]() {} };
      },
    });
    bind(ConnectionHooks).toResolvedValue(
      (logger: Logger, clock: Clock, sessions: Sessions): ConnectionHooks => {
        const heard = (hook: string, fields: object = {}) => logger.info('hook', { hook, ...fields });
        return {
          onAccept: (peer) => heard('onAccept', { family: peer.family }),
          onConnection: ({ listener }) => heard('onConnection', { listener: listener.name }),
          onRequest(session) {
            heard('onRequest', { path: session.request.path, known: sessions.get(session.id) === session });
            session.setState(began, clock.now());
            if (session.connection.listener.settings['closed'] === true) return reject(451, 'closed');
            session.request.headers.set('x-greeting', greeting);
            return undefined;
          },
          onUpgrade: (session) => heard('onUpgrade', { kind: session.kind }),
          async onRoute(session) {
            await new Promise<void>((resolve) => setImmediate(resolve));
            const { route, cluster } = session;
            heard('onRoute', { route: route?.name, team: cluster?.settings['team'] });
            if (route?.settings['shout'] !== true || session.kind === 'websocket') return;
            session.transformRequest({
              write: (chunk, emit) => emit(Buffer.from(String(chunk).toUpperCase())),
              end: (emit) => emit(Buffer.from('!')),
            });
          },
          onAttempt(_session, attempt) {
            attempt.headers.set('x-try', String(attempt.number));
            heard('onAttempt', { zone: attempt.endpoint.metadata['zone'] });
          },
          onAttemptEnd: (_session, attempt) =>
            heard('onAttemptEnd', { status: attempt.status, cause: attempt.failure?.cause }),
          onResponse(session) {
            heard('onResponse', { status: session.response?.status, local: session.response?.local });
            session.response?.headers.set('x-greeting', greeting);
            if (session.route?.settings['shout'] !== true || session.kind === 'websocket') return;
            session.transformResponse({
              async write(chunk, emit) {
                const copy = Buffer.from(chunk);
                await new Promise<void>((resolve) => setImmediate(resolve));
                emit(Buffer.from(`<${copy}>`));
              },
              end: () => {},
            });
          },
          onOpen(session) {
            heard('onOpen');
            session.websocket?.ping('upstream');
          },
          onEventStream: () => heard('onEventStream'),
          watchesMessages(session) {
            heard('watchesMessages');
            return session.request.path !== '/unwatched';
          },
          onMessage(_session, message) {
            const text = String(message.data);
            heard('onMessage', { from: message.from, text });
            if (text === 'drop me') return 'drop';
            if (message.from === 'downstream') message.data = Buffer.from(text.toUpperCase());
            return undefined;
          },
          onPong: (_session, side, rttMs) => heard('onPong', { side, measured: rttMs >= 0 }),
          onSessionEnd: (session, outcome) =>
            heard('onSessionEnd', {
              cause: outcome.cause,
              status: outcome.status,
              messages: outcome.messagesReceived,
              timed: clock.now() >= session.state(began)!,
            }),
          onDisconnect: ({ listener }) => heard('onDisconnect', { listener: listener.name }),
        };
      },
      [Logger, Clock, Sessions],
    );
  },
});
