import type { Outcome, Session } from '@outrigger/core';
import type { Registry } from './registry.ts';
import type { RouteSeries } from './route-series.ts';

/** Seconds: from what fails at once to what lasts for days. */
const LIFETIMES = [1, 5, 10, 30, 60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600, 86_400, 3 * 86_400, 7 * 86_400];

/** How WebSockets end, or do not come about. Called once for each: with its end the look-up of a label costs little. */
export class WebSocketEnds {
  readonly #duration: ReturnType<Registry['histogram']>;
  readonly #codes: ReturnType<Registry['counter']>;
  readonly #refused: ReturnType<Registry['counter']>;

  constructor(registry: Registry) {
    this.#duration = registry.histogram('outrigger_websocket_session_duration_seconds', {
      doc: 'How long WebSockets that have ended had lasted.',
      unit: 's',
      labels: ['listener', 'route'],
      buckets: LIFETIMES,
    });
    this.#codes = registry.counter('outrigger_websocket_close_codes_total', {
      doc: 'Close frames of WebSockets that have ended, by leg, by who sent them, and by code; none where a leg had neither.',
      labels: ['listener', 'side', 'by', 'code'],
    });
    this.#refused = registry.counter('outrigger_websocket_handshakes_failed_total', {
      doc: 'WebSocket handshakes that came to no 101, by the status that went down and the cause.',
      labels: ['listener', 'status', 'cause'],
    });
  }

  ended({ listener, route }: RouteSeries, outcome: Outcome): void {
    this.#duration.with(listener, route).record(outcome.durationMs / 1_000);
    this.#leg(listener, 'downstream', outcome.closeCodeReceived, outcome.closeCodeSent);
    this.#leg(listener, 'upstream', outcome.upstreamCloseCodeReceived, outcome.upstreamCloseCodeSent);
  }

  refused({ connection }: Session, { status, cause }: Outcome): void {
    this.#refused.with(connection.listener.name, status === undefined ? '' : String(status), cause).add();
  }

  #leg(listener: string, side: string, received: number | undefined, sent: number | undefined): void {
    if (received !== undefined) this.#codes.with(listener, side, 'peer', labelOf(received)).add();
    if (sent !== undefined) this.#codes.with(listener, side, 'sidecar', labelOf(sent)).add();
    if (received === undefined && sent === undefined) this.#codes.with(listener, side, 'none', 'none').add();
  }
}

/** Codes of applications (RFC 6455 §7.4.2) are as many as peers like: they are told apart by their range alone. */
function labelOf(code: number): string {
  if (code >= 1_000 && code < 1_016) return String(code);
  if (code >= 3_000 && code < 5_000) return code < 4_000 ? '3xxx' : '4xxx';
  return 'other';
}
