import { type Cause, describeCause, type Ending, type Logger, type Metrics } from '@outrigger/core';
import type { HttpSession } from '../http-session.ts';

/** Tells of each WebSocket that has ended who ended it, why, and what went which way: a line in the log, and counts. */
export class CloseReport {
  readonly #logger: Logger;
  readonly #closes: ReturnType<Metrics['counter']>;
  readonly #undelivered: ReturnType<Metrics['counter']>;

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    this.#closes = metrics.counter('outrigger_websocket_closes_total', {
      doc: 'WebSockets that have ended, by cause and by who ended them.',
      labels: ['listener', 'cause', 'initiator'],
    });
    this.#undelivered = metrics.counter('outrigger_websocket_undelivered_total', {
      doc: 'Messages that came after our Close for the other side, and were not passed on.',
      labels: ['listener'],
    });
  }

  /** Called once for each WebSocket that opens: what it may lose is told from now on, as 0. */
  opened({ connection }: HttpSession): void {
    this.#undelivered.with(connection.listener.name);
  }

  /** Called once for each WebSocket that was open. An ordinary end is logged at `debug`, any other at `info`. */
  ended(session: HttpSession, cause: Cause, ending: Ending | undefined): void {
    const { name } = session.connection.listener;
    const initiator = ending?.initiator ?? describeCause(cause).source;
    this.#closes.with(name, cause, initiator).add();
    if (session.undelivered > 0) this.#undelivered.with(name).add(session.undelivered);
    const level = cause === 'complete' ? 'debug' : 'info';
    if (level === 'debug' && this.#logger.level !== 'debug') return;
    this.#logger[level]('websocket closed', {
      session: session.id,
      listener: name,
      route: session.route?.name,
      cluster: session.cluster?.name,
      endpoint: session.attempt?.endpoint.address,
      cause,
      initiator,
      plugin: cause.startsWith('plugin:') ? cause.slice('plugin:'.length) : session.plugin,
      codes: {
        toClient: session.closeCodeSent,
        fromClient: session.closeCodeReceived,
        toEndpoint: ending?.upstreamCloseCodeSent,
        fromEndpoint: ending?.upstreamCloseCodeReceived,
      },
      error: ending?.error?.message,
      generation: session.generation,
      durationMs: Math.round(session.clock.turn() - session.began),
      bytesReceived: session.bytesReceived,
      bytesSent: session.bytesSent,
      messagesReceived: session.messagesReceived,
      messagesSent: session.messagesSent,
      undelivered: session.undelivered,
    });
  }
}
