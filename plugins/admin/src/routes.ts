import { readFileSync } from 'node:fs';
import {
  type AdminDetails,
  type AdminReply,
  type AdminRequest,
  type AdminRoute,
  type Clock,
  isSendableCloseCode,
  type Logger,
  type Sessions,
  type Sidecar,
} from '@outrigger/core';
import * as described from './answers.ts';
import { configDump } from './config-dump.ts';
import { readLevel, setLevel } from './logging.ts';
import { openApi } from './openapi.ts';
import { clusterRow, listenerRow, sessionRow } from './rows.ts';

/** All packages of a release have the same. */
const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/** What the routes tell of. */
export interface Subjects {
  readonly sidecar: Sidecar;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether who asks needs a token. */
  readonly guarded: boolean;
}

/** Sessions in one answer, unless `limit` says otherwise. */
const SESSIONS = 1_000;

/** This plugin's own paths; others come from other plugins. */
export const routes: readonly ((subjects: Subjects) => AdminRoute)[] = [
  ({ sidecar, guarded }) => ({
    method: 'GET',
    path: '/openapi.json',
    doc: 'What there is to ask here, as OpenAPI 3.1.',
    ...described.openApi,
    serve: () => ({ body: openApi(sidecar.adminRoutes, guarded) }),
  }),
  () => ({
    method: 'GET',
    path: '/livez',
    doc: '200 while the process works.',
    ...described.livez,
    open: true,
    serve: () => ({ body: { status: 'live' } }),
  }),
  ({ sidecar }) => ({
    method: 'GET',
    path: '/readyz',
    doc: '200 while every listener accepts; 503 before, and from the begin of a drain on.',
    ...described.readyz,
    open: true,
    serve: () => ({ status: sidecar.state === 'ready' ? 200 : 503, body: { status: sidecar.state } }),
  }),
  ({ sidecar, sessions, clock }) => ({
    method: 'GET',
    path: '/healthz',
    doc: 'The sidecar as a whole: its state, its generation, what came of reloads.',
    ...described.healthz,
    serve: () => ({
      status: sidecar.state === 'ready' ? 200 : 503,
      body: {
        status: sidecar.state,
        version: VERSION,
        startedAt: new Date(sidecar.startedAt).toISOString(),
        uptimeSeconds: Math.round((clock.wallTime() - sidecar.startedAt) / 1_000),
        generation: sidecar.generation,
        reloads: {
          ...sidecar.reloads,
          ...(sidecar.reloads.last && {
            last: { ...sidecar.reloads.last, at: new Date(sidecar.reloads.last.at).toISOString() },
          }),
        },
        sessions: sessions.size,
      },
    }),
  }),
  ({ sidecar }) => ({
    method: 'GET',
    path: '/config_dump',
    doc: 'The configuration in force, defaults included, secrets masked; ?origins tells where each value came from, and what is wrong.',
    ...described.configuration,
    serve: (request) => configDump(request, sidecar),
  }),
  ({ logger }) => ({
    method: 'GET',
    path: '/logging',
    doc: 'The least severe level that is logged.',
    ...described.level,
    serve: () => readLevel(logger),
  }),
  ({ logger }) => ({
    method: 'POST',
    path: '/logging',
    doc: 'Logs from ?level= on (debug, info, warn, error), at once, until it is set anew or the sidecar ends.',
    ...described.newLevel,
    serve: (request) => setLevel(request, logger),
  }),
  ({ sidecar }) => ({
    method: 'GET',
    path: '/listeners',
    doc: 'The addresses that are accepted on, and those that drain.',
    get responses() {
      return described.listeners(sidecar.adminDetails);
    },
    serve: () => ({
      body: { listeners: sidecar.listenerStates().map((one) => listenerRow(one, sidecar.adminDetails)) },
    }),
  }),
  ({ sidecar }) => ({
    method: 'GET',
    path: '/clusters',
    doc: 'The clusters with their endpoints, and what is open at each.',
    get responses() {
      return described.clusters(sidecar.adminDetails);
    },
    serve: () => ({
      body: { clusters: [...sidecar.clusterStates()].map((one) => clusterRow(one, sidecar.adminDetails)) },
    }),
  }),
  ({ sidecar, sessions, clock }) => ({
    method: 'GET',
    path: '/sessions',
    doc: 'The open sessions, oldest first; ?kind= ?listener= ?route= ?cluster= ?endpoint= choose, ?limit= bounds (1000).',
    query: described.choosing,
    get responses() {
      return described.sessions(sidecar.adminDetails);
    },
    serve: (request) => openSessions(request, sessions, clock, sidecar.adminDetails),
  }),
  ({ sessions }) => ({
    method: 'DELETE',
    path: '/sessions/*',
    doc: 'Ends the session with that id; a WebSocket is closed with ?code= (1001) and ?reason=.',
    ...described.closing,
    serve: (request) => closeSession(request, sessions),
  }),
  ({ sidecar }) => ({
    method: 'POST',
    path: '/drain',
    doc: 'Drains and ends the sidecar, as SIGTERM does; ?code=1012 tells WebSockets that it comes back.',
    ...described.drain,
    serve: ({ query }) => {
      const code = query.get('code');
      if (code !== null && code !== '1001' && code !== '1012')
        return { status: 400, body: { error: `code is "${code}"; expected 1001 or 1012` } };
      sidecar.requestEnd(code === null ? undefined : Number(code));
      return { status: 202, body: { status: 'draining' } };
    },
  }),
];

/** Bytes of the reason of a Close (RFC 6455 §5.5). */
const MAX_REASON = 123;

function closeSession({ path, query }: AdminRequest, sessions: Sessions): AdminReply {
  const code = Number(query.get('code') ?? 1001);
  const reason = query.get('reason') ?? 'admin-closed';
  if (!isSendableCloseCode(code))
    return { status: 400, body: { error: `code is "${query.get('code')}"; expected one that may be sent, as 1001` } };
  if (Buffer.byteLength(reason) > MAX_REASON)
    return { status: 400, body: { error: `the reason is over ${MAX_REASON} bytes` } };
  const id = decoded(path.slice('/sessions/'.length));
  const session = id === undefined ? undefined : sessions.get(id);
  if (session === undefined) return { status: 404, body: { error: `no session "${id ?? path}" is open` } };
  session.close('admin-closed', code, reason);
  return { status: 202, body: { status: 'closing', id } };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function openSessions(
  { query }: AdminRequest,
  sessions: Sessions,
  clock: Clock,
  details: readonly AdminDetails[],
): AdminReply {
  const limit = Number(query.get('limit') ?? SESSIONS);
  if (!Number.isInteger(limit) || limit < 1)
    return { status: 400, body: { error: `limit is "${query.get('limit')}"; expected a whole number from 1 on` } };
  const wanted = [...query].filter(([name]) => name !== 'limit');
  const rows: object[] = [];
  let matching = 0;
  for (const session of sessions) {
    const row = sessionRow(session, clock, details);
    if (!wanted.every(([name, value]) => String(row[name]) === value)) continue;
    if (++matching <= limit) rows.push(row);
  }
  return { body: { open: sessions.size, matching, sessions: rows } };
}
