import { isIP } from 'node:net';
import { formatAddress, type Outcome, type Session, traceOf } from '@outrigger/core';
import { responseFlags } from './response-flags.ts';

/** What a line tells of. `start` and `open` are of WebSockets: when they open, and from time to time. */
export interface Entry {
  readonly event: 'start' | 'open' | 'end';
  readonly session: Session;
  /** Of `end`. */
  readonly outcome: Outcome | undefined;
  /** Wall-clock milliseconds. */
  readonly at: number;
}

/** What stands in a line; undefined where it is not known or does not apply. */
export type Value = string | number | undefined;

const lastAttempt = ({ session }: Entry) => session.attempts.at(-1);
const message = (entry: Entry, of: 'messagesReceived' | 'messagesSent'): Value =>
  entry.session.kind === 'websocket' ? entry.session[of] : undefined;
const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;

/** Every field, in the order of JSON lines, with how it is read. Called once for each line that has it. */
export const FIELDS = {
  time: ({ at }) => new Date(at).toISOString(),
  event: ({ event }) => event,
  kind: ({ session }) => session.kind,
  session: ({ session }) => session.id,
  trace: ({ session }) => traceOf(session),
  listener: ({ session }) => session.connection.listener.name,
  client: ({ session }) => clientOf(session),
  peer: ({ session }) => formatAddress(session.connection.peer.address),
  method: ({ session }) => session.request.method,
  host: ({ session }) => session.request.host,
  path: ({ session }) => session.request.path,
  query: ({ session }) => session.request.query || undefined,
  protocol: ({ session }) => `HTTP/${session.request.version}`,
  status: ({ session, outcome }) => outcome?.status ?? (session.websocket === undefined ? undefined : 101),
  durationMs: ({ session, outcome, at }) => rounded(outcome?.durationMs ?? at - session.startedAt),
  headMs: (entry) => {
    const ms = lastAttempt(entry)?.headMs;
    return ms === undefined ? undefined : rounded(ms);
  },
  bytesReceived: ({ session }) => session.bytesReceived,
  bytesSent: ({ session }) => session.bytesSent,
  messagesReceived: (entry) => message(entry, 'messagesReceived'),
  messagesSent: (entry) => message(entry, 'messagesSent'),
  undelivered: ({ outcome }) => outcome?.undelivered || undefined,
  route: ({ session }) => session.route?.name,
  cluster: ({ session }) => session.cluster?.name,
  endpoint: (entry) => lastAttempt(entry)?.endpoint.address,
  attempts: ({ session }) => session.attempts.length,
  userAgent: ({ session }) => session.request.headers.get('user-agent'),
  cause: ({ outcome }) => outcome?.cause,
  initiator: ({ outcome }) => outcome?.initiator,
  plugin: ({ outcome }) => outcome?.plugin,
  flags: ({ session, outcome }) => (outcome === undefined ? undefined : responseFlags(session, outcome) || undefined),
  codeToClient: ({ outcome }) => outcome?.closeCodeSent,
  codeFromClient: ({ outcome }) => outcome?.closeCodeReceived,
  codeToEndpoint: ({ outcome }) => outcome?.upstreamCloseCodeSent,
  codeFromEndpoint: ({ outcome }) => outcome?.upstreamCloseCodeReceived,
  generation: ({ session }) => session.generation,
} as const satisfies Record<string, (entry: Entry) => Value>;

/** The first address that `x-forwarded-for` names: the engine has replaced what came from a peer that is not trusted. */
function clientOf({ request, connection }: Session): Value {
  const first = request.headers.get('x-forwarded-for')?.split(',', 1)[0]?.trim() ?? '';
  return isIP(first) === 0 ? connection.peer.address.host || undefined : first;
}
