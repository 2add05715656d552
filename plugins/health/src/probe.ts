import type { ByteStream, Clock, Cluster, Connector, Endpoint } from '@outrigger/core';
import type { HealthSettings } from './settings.ts';
import { WebSocketProbe } from './websocket-probe.ts';

/** What is spoken in one check: `say` is called when bytes can flow, and says what is wrong, or that all is well, when it knows. */
export interface ProbeTalk {
  begin(stream: ByteStream): Verdict;
  bytes(received: Buffer, stream: ByteStream): Verdict;
}

/** undefined: not known yet; empty: all is well; else what is wrong. */
export type Verdict = string | undefined;

/** More is never needed to judge. */
const MAX_BYTES = 64 * 1024;

/** Runs one check; `done` is called exactly once unless it is disposed before, with what is wrong, or nothing. */
export function probe(
  settings: HealthSettings,
  where: {
    readonly endpoint: Endpoint;
    readonly cluster: Cluster;
    readonly connector: Connector;
    readonly clock: Clock;
  },
  done: (wrong: string | undefined) => void,
): Disposable {
  const { endpoint, cluster, connector, clock } = where;
  const talk = talkOf(settings, endpoint);
  let open = true;
  let received: Buffer = Buffer.alloc(0);
  const end = () => {
    open = false;
    timer[Symbol.dispose]();
    stream.destroy('complete');
  };
  const judge = (verdict: Verdict) => {
    if (!open || verdict === undefined) return;
    end();
    done(verdict === '' ? undefined : verdict);
  };
  const timer = clock.after(settings.timeout, () => judge('no answer in time'));
  let failure = 'the connection was closed';
  const stream = connector.connect(endpoint, cluster, {
    connected: () => {
      if (open) judge(talk.begin(stream));
    },
    bytes: (buffer, from, to) => {
      if (!open) return;
      received = Buffer.concat([received, buffer.subarray(from, to)]);
      judge(talk.bytes(received, stream) ?? (received.length > MAX_BYTES ? 'the answer is too long' : undefined));
    },
    end: () => judge(failure),
    error: (error) => {
      failure = error.message;
    },
    closed: () => judge(failure),
  });
  return {
    [Symbol.dispose]() {
      if (open) end();
    },
  };
}

function talkOf({ http, websocket }: HealthSettings, { address }: Endpoint): ProbeTalk {
  const host = address.startsWith('unix:') ? 'localhost' : address;
  if (http !== undefined) return httpTalk(http, http.host ?? host);
  if (websocket !== undefined) return new WebSocketProbe(websocket, websocket.host ?? host);
  // That the connection is there is all.
  return { begin: () => '', bytes: () => '' };
}

function httpTalk({ path, status: expected }: NonNullable<HealthSettings['http']>, host: string): ProbeTalk {
  const good = (status: number) =>
    expected === undefined ? status >= 200 && status < 400 : [expected].flat().includes(status);
  return {
    begin(stream) {
      stream.write(
        `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: outrigger-health\r\nconnection: close\r\n\r\n`,
      );
      return undefined;
    },
    bytes(received) {
      const text = received.toString('latin1');
      if (!text.includes('\n')) return undefined;
      const status = Number(/^HTTP\/1\.[01] (\d{3})[ \r]/.exec(text)?.[1]);
      if (Number.isNaN(status)) return 'the answer is not HTTP/1.1';
      return good(status) ? '' : `status ${status}`;
    },
  };
}
