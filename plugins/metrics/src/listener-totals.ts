import type { Outcome, Session, Sessions } from '@outrigger/core';
import { METHODS, methodIndex } from './methods.ts';
import type { Registry } from './registry.ts';

type Kind = Session['kind'];
/** What a session tells of while it is open, and its outcome at the end. */
type Carried = Pick<Outcome, 'bytesReceived' | 'bytesSent'>;

/** What the sessions of a listener have carried that have ended. */
export class Totals {
  readonly bytes: Record<Kind, [received: number, sent: number]> = { http: [0, 0], websocket: [0, 0] };

  /** Once per session, when it is no longer among the open ones. */
  ended(kind: Kind, { bytesReceived, bytesSent }: Carried): void {
    const bytes = this.bytes[kind];
    bytes[0] += bytesReceived;
    bytes[1] += bytesSent;
  }

  copy(): Totals {
    const copy = new Totals();
    for (const kind of ['http', 'websocket'] as const) copy.bytes[kind] = [...this.bytes[kind]];
    return copy;
  }
}

/**
 * Bytes and what is open, by listener. Nothing is counted on the way: sessions keep their own counts, and whoever collects adds
 * those that are open to those that have ended. So a WebSocket's bytes are seen while it lasts.
 */
export class ListenerTotals {
  readonly #registry: Registry;
  readonly #sessions: Sessions;
  readonly #ended = new Map<string, Totals>();
  #reading: Disposable | undefined;

  constructor(registry: Registry, sessions: Sessions) {
    this.#registry = registry;
    this.#sessions = sessions;
  }

  /** Those of a listener, for as long as the process lives. */
  of(listener: string): Totals {
    let totals = this.#ended.get(listener);
    if (totals === undefined) {
      totals = new Totals();
      this.#ended.set(listener, totals);
    }
    return totals;
  }

  start(): void {
    const bytes = this.#registry.counter('outrigger_session_bytes_total', {
      doc: 'Bytes from clients and to them, heads and framing included.',
      unit: 'By',
      labels: ['listener', 'kind', 'direction'],
    });
    const active = this.#registry.gauge('http_server_active_requests', {
      doc: 'HTTP exchanges that are under way; a WebSocket counts until its 101.',
      labels: ['listener', 'url_scheme', 'http_request_method'],
    });
    const webSockets = this.#registry.gauge('outrigger_websocket_sessions_open', {
      doc: 'WebSockets that are open.',
      labels: ['listener', 'cluster'],
    });
    this.#reading = this.#registry.onCollect(() => {
      for (const instrument of [bytes, active, webSockets]) instrument.forget();
      const now = new Map([...this.#ended].map(([listener, totals]) => [listener, totals.copy()]));
      for (const session of this.#sessions) {
        const { kind, request, cluster } = session;
        const { name, protocol } = session.connection.listener;
        let totals = now.get(name);
        if (totals === undefined) {
          totals = new Totals();
          now.set(name, totals);
        }
        totals.ended(kind, session);
        if (session.websocket !== undefined) webSockets.with(name, cluster?.name ?? '').add(1);
        else active.with(name, protocol, METHODS[methodIndex(request.method)]!).add(1);
      }
      for (const [listener, totals] of now) {
        for (const kind of ['http', 'websocket'] as const) {
          bytes.with(listener, kind, 'received').add(totals.bytes[kind][0]);
          bytes.with(listener, kind, 'sent').add(totals.bytes[kind][1]);
        }
      }
    });
  }

  stop(): void {
    this.#reading?.[Symbol.dispose]();
  }
}
