import type { ByteStream, Connection, Deadline, Protocol, Scope } from '@outrigger/core';
import { DownstreamConnection } from './downstream-connection.ts';
import type { Engine } from './engine.ts';
import type { HttpSession } from './http-session.ts';

/** HTTP/1.1 with WebSocket, on every connection that a listener hands over. */
export class HttpProtocol implements Protocol {
  readonly name = 'http/1.1';
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  serve(stream: ByteStream, connection: Connection, scope: () => Scope, ended: () => void): void {
    new DownstreamConnection(this.#engine, stream, connection, scope, ended);
  }

  /**
   * Idle connections go at once, HTTP exchanges with `connection: close` when they are done, WebSockets with 1001, as many
   * per second as the deadline's rate allows. What is left at the deadline is cut.
   */
  async drain(by: Deadline): Promise<void> {
    const engine = this.#engine;
    engine.draining = true;
    engine.pools.close();
    for (const downstream of engine.downstreams) downstream.closeIdle();
    this.#closeWebSockets(by);
    const ended = engine.sessions.none();
    let timer: Disposable | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = engine.clock.after(Math.max(0, by.at - engine.clock.now()), resolve);
    });
    await Promise.race([ended, deadline]);
    timer?.[Symbol.dispose]();
    for (const session of engine.sessions) (session as HttpSession).abort('drain-deadline');
  }

  /** Ten times a second, a tenth of the rate; nothing bursts, and new ones of the last moment are found, too. */
  #closeWebSockets(by: Deadline): void {
    const { clock, sessions } = this.#engine;
    let left = Math.max(1, Math.ceil(by.rate / 10));
    let open = false;
    for (const session of sessions) {
      if (session.kind !== 'websocket' || session.websocket === undefined) continue;
      if (left-- <= 0) {
        open = true;
        break;
      }
      session.close('drain');
    }
    if ((open || sessions.size > 0) && clock.now() < by.at) clock.after(100, () => this.#closeWebSockets(by));
  }
}
