import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import {
  type ByteStream,
  type Connection,
  closeGradually,
  type Deadline,
  type Protocol,
  type Scope,
  type Session,
} from '@outrigger/core';
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
   * Idle connections go at once, HTTP exchanges with `connection: close` when they are done, WebSockets with 1001 and event
   * streams between two events, spread over the time that there is. What is left at the deadline is cut, and counted.
   */
  async drain(by: Deadline, meant: (connection: Connection) => boolean): Promise<void> {
    const { clock, sessions, downstreams } = this.#engine;
    const isMeant = ({ connection }: Session | DownstreamConnection) => meant(connection);
    for (const downstream of downstreams) if (isMeant(downstream)) downstream.closeIdle();
    closeGradually(sessions, clock, by, 'drain', isMeant);
    let timer: Disposable | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = clock.after(Math.max(0, by.at - clock.now()), resolve);
    });
    await Promise.race([sessions.none(isMeant), deadline]);
    timer?.[Symbol.dispose]();
    // A session is over when its answer is written; the client has it when its socket is empty.
    const unsent = () => [...downstreams].some((downstream) => isMeant(downstream) && downstream.stream.buffered > 0);
    while (unsent() && clock.now() < by.at) await new Promise<void>((resolve) => clock.after(100, resolve));
    if (![...sessions].some(isMeant)) return;
    // What had come by now is read before it is cut, so that it is delivered or counted, however late this timer is.
    await turnOfTheEventLoop();
    let cut = 0;
    for (const session of sessions as Iterable<HttpSession>) {
      if (!isMeant(session)) continue;
      cut++;
      if (session.plane !== null) session.plane.endNow('drain-deadline');
      else session.abort('drain-deadline');
    }
    if (cut > 0) this.#engine.cut(cut);
  }
}
