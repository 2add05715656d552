import {
  type ByteStream,
  type Cause,
  type Clock,
  type Connection,
  type Deadline,
  latin1,
  type OpenSessions,
  type Protocol,
  type RequestHead,
  type Scope,
  SessionRecord,
} from '../src/index.ts';

/**
 * The smallest protocol that has sessions. Each line opens one, is routed, and answered by `VERSION GENERATION ROUTE ENDPOINT`;
 * a session ends at once, but that of `hold`, which ends with its connection or by a drain.
 */
export class LineProtocol implements Protocol {
  readonly name = 'http/1.1';
  readonly drains: number[] = [];
  readonly #version: string;
  readonly #clock: Clock;
  readonly #open: OpenSessions;
  readonly #streams = new Map<ByteStream, Connection>();

  constructor(version: string, clock: Clock, open: OpenSessions) {
    this.#version = version;
    this.#clock = clock;
    this.#open = open;
  }

  serve(stream: ByteStream, connection: Connection, scope: () => Scope, ended: () => void): void {
    const held: LineSession[] = [];
    this.#streams.set(stream, connection);
    stream.read({
      bytes: (buffer, from, to) => {
        for (const line of latin1(buffer, from, to).trim().split('\n')) {
          const { hooks, router, generation } = scope();
          const session = new LineSession('http', connection, hooks, generation, this.#clock, this.#open);
          const route = router.route(session);
          if (route === undefined || 'kind' in route) throw new Error('not routed');
          const endpoint = route.cluster.pick(session, []);
          const verdict = hooks.onRequest === null ? undefined : hooks.onRequest(session);
          if (verdict !== undefined) throw new Error('verdicts are not tested here');
          stream.write(`${this.#version} ${generation} ${route.name} ${endpoint?.address}\n`);
          if (line === 'hold') held.push(session);
          else session.close('complete');
        }
      },
      end: () => stream.end(),
      error() {},
      closed: () => {
        for (const session of held) session.close('downstream-closed');
        this.#streams.delete(stream);
        ended();
      },
    });
  }

  async drain(by: Deadline, meant: (connection: Connection) => boolean): Promise<void> {
    this.drains.push(by.at);
    await this.#open.none(({ connection }) => meant(connection));
    for (const [stream, connection] of this.#streams) if (meant(connection)) stream.end();
  }
}

class LineSession extends SessionRecord {
  readonly id = '';
  readonly request = {} as RequestHead;
  readonly response = undefined;
  readonly websocket = undefined;
  readonly eventStream = undefined;

  close(cause: Cause): void {
    this.finish(cause);
  }
  transformRequest(): void {}
  transformResponse(): void {}
}
