import type { ByteStream, Connection, Deadline, Protocol, Scope, Session } from '@outrigger/core';
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
  async drain(by: Deadline, direction: 'inbound' | 'outbound'): Promise<void> {
    const engine = this.#engine;
    const { clock, sessions } = engine;
    const meant = (session: Session) => session.connection.listener.direction === direction;
    engine.draining.add(direction);
    for (const downstream of engine.downstreams) if (downstream.direction === direction) downstream.closeIdle();
    this.#closeWebSockets(by, meant);
    let timer: Disposable | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = clock.after(Math.max(0, by.at - clock.now()), resolve);
    });
    await Promise.race([sessions.none(meant), deadline]);
    timer?.[Symbol.dispose]();
    // A session is over when its answer is written; the client has it when its socket is empty.
    const unsent = () =>
      [...engine.downstreams].some(
        (downstream) => downstream.direction === direction && downstream.stream.buffered > 0,
      );
    while (unsent() && clock.now() < by.at) await new Promise<void>((resolve) => clock.after(100, resolve));
    for (const session of sessions) if (meant(session)) (session as HttpSession).abort('drain-deadline');
    if (direction === 'outbound') engine.pools.close();
  }

  /** Ten times a second a tenth of the rate: nothing bursts, and those that open meanwhile are found, too. */
  #closeWebSockets(by: Deadline, meant: (session: Session) => boolean): void {
    const { clock, sessions } = this.#engine;
    let left = Math.max(1, Math.ceil(by.rate / 10));
    let more = false;
    for (const session of sessions) {
      if (!meant(session)) continue;
      more = true;
      if (session.websocket === undefined) continue;
      if (left-- === 0) break;
      session.close('drain');
    }
    if (more && clock.now() < by.at) clock.after(100, () => this.#closeWebSockets(by, meant));
  }
}
