import type { DownstreamConnection } from '../downstream-connection.ts';
import type { Engine } from '../engine.ts';
import type { HttpSession } from '../http-session.ts';
import type { UpstreamConnection } from '../upstream-connection.ts';
import { BytesPlane } from './bytes-plane.ts';
import { FramesPlane } from './frames-plane.ts';
import { MessagesPlane } from './messages-plane.ts';
import type { Plane } from './plane.ts';

/** What a valid 101 has settled. */
export interface Opening {
  /** The extensions that the endpoint agreed on; empty: none. */
  readonly extensions: string;
  /** Bytes that came behind the 101. */
  readonly behind: Buffer | undefined;
  /** The 101 as it goes down. */
  readonly head: string;
}

/** Writes the 101 down and makes the two connections one WebSocket, on the cheapest plane that its hooks allow. */
export function openWebSocket(
  session: HttpSession,
  engine: Engine,
  downstream: DownstreamConnection,
  upstream: UpstreamConnection,
  opening: Opening,
): void {
  const { hooks } = session;
  const plane = choosePlane(session, engine, downstream, upstream, opening);
  session.plane = plane;
  engine.closes.opened(session);
  session.bytesSent += opening.head.length;
  downstream.stream.write(opening.head);
  session.settle();
  const fromUpstream = upstream.tunnel();
  const fromDownstream = downstream.tunnel();
  if (hooks.onOpen !== null) hooks.onOpen(session);
  if (opening.behind !== undefined) plane.bytes('upstream', opening.behind, 0, opening.behind.length);
  if (fromUpstream.length > 0) plane.bytes('upstream', fromUpstream, 0, fromUpstream.length);
  if (fromDownstream.length > 0) plane.bytes('downstream', fromDownstream, 0, fromDownstream.length);
  upstream.startTunnel();
  downstream.startTunnel();
}

function choosePlane(
  session: HttpSession,
  { clock }: Engine,
  downstream: DownstreamConnection,
  upstream: UpstreamConnection,
  { extensions }: Opening,
): Plane {
  const { plane, maxMessageSize } = downstream.settings.websocket;
  if (plane === 'bytes') return new BytesPlane(session, clock, downstream, upstream);
  const { watchesMessages } = session.hooks;
  const Chosen = watchesMessages?.(session) ? MessagesPlane : FramesPlane;
  return new Chosen(session, clock, downstream, upstream, { extensions, maxMessageSize });
}
