import { type AdminDetails, type AdminRoute, LOG_LEVELS } from '@outrigger/core';

// What /openapi.json says of this plugin's own routes: their parameters, and the JSON Schemas of what they answer.

type Description = Pick<AdminRoute, 'query' | 'rest' | 'responses'>;
type Responses = NonNullable<Description['responses']>;
type Properties = Readonly<Record<string, object>>;

const text = { type: 'string' };
const time = { type: 'string', format: 'date-time' };
const count = { type: 'integer', minimum: 0 };
const seconds = { type: 'number', minimum: 0 };
const orNull = (schema: { readonly type: string }) => ({ ...schema, type: [schema.type, 'null'] });
const list = (items: object) => ({ type: 'array', items });
/** All of `properties`, perhaps some of `optional`, and nothing else. */
const exactly = (properties: Properties, optional: Properties = {}) => ({
  ...open(properties, optional),
  additionalProperties: false,
});
/** The same, and whatever plugins add. */
const open = (properties: Properties, optional: Properties = {}) => ({
  type: 'object',
  properties: { ...properties, ...optional },
  required: Object.keys(properties),
});
const eachSide = (schema: object) => ({ downstream: schema, upstream: schema });

/** What plugins add to the row of a thing, as far as they say. */
const added = (details: readonly AdminDetails[], thing: keyof NonNullable<AdminDetails['schemas']>): Properties =>
  Object.assign({}, ...details.map(({ schemas }) => schemas?.[thing]));

const STATES = ['starting', 'ready', 'draining', 'stopped'];
const CLOSE_CODE = { type: 'integer', minimum: 1000, maximum: 4999 };

export const paths: Description = {
  responses: {
    200: {
      doc: 'Every path, with what it is for.',
      schema: exactly({ paths: list(exactly({ method: text, path: text, doc: text })) }),
    },
  },
};

export const openApi: Description = {
  responses: {
    200: {
      doc: 'This document.',
      schema: open({ openapi: text, info: { type: 'object' }, paths: { type: 'object' } }),
    },
  },
};

export const livez: Description = {
  responses: { 200: { doc: 'The process works.', schema: exactly({ status: { const: 'live' } }) } },
};

export const readyz: Description = {
  responses: {
    200: { doc: 'Every listener accepts.', schema: exactly({ status: { const: 'ready' } }) },
    503: { doc: 'Not yet, or no longer.', schema: exactly({ status: { enum: STATES } }) },
  },
};

const health = exactly({
  status: { enum: STATES },
  version: text,
  startedAt: time,
  uptimeSeconds: count,
  generation: count,
  reloads: exactly(
    { changed: count, unchanged: count, failed: count },
    {
      last: exactly({ at: time, result: { enum: ['changed', 'unchanged', 'failed'] } }, { problems: list(text) }),
    },
  ),
  sessions: count,
});

export const healthz: Description = {
  responses: {
    200: { doc: 'It is ready.', schema: health },
    503: { doc: 'It is not, or no longer.', schema: health },
  },
};

export const configuration: Description = {
  query: {
    origins: { doc: 'Adds values and problems, whatever it is set to.', schema: { type: 'string', default: '' } },
  },
  responses: {
    200: {
      doc: 'The configuration; null before the start, and where a program has made it without one to show.',
      schema: exactly(
        { generation: count, configuration: { type: ['object', 'null'] } },
        {
          values: list(exactly({ path: text, value: {}, origin: text })),
          problems: list(
            exactly(
              { severity: { enum: ['warning', 'error'] }, message: text },
              { at: time, origin: text, path: text },
            ),
          ),
        },
      ),
    },
  },
};

const oneLevel = exactly({ level: { enum: LOG_LEVELS } });

export const level: Description = { responses: { 200: { doc: 'The level.', schema: oneLevel } } };

export const newLevel: Description = {
  query: { level: { doc: 'The least severe level that is to be logged.', schema: { enum: LOG_LEVELS } } },
  responses: { 200: { doc: 'The level from now on.', schema: oneLevel } },
};

const listener = {
  name: text,
  protocol: text,
  direction: { enum: ['inbound', 'outbound'] },
  address: text,
  state: { enum: ['accepting', 'draining'] },
  connections: count,
};

export const listeners = (details: readonly AdminDetails[]): Responses => ({
  200: {
    doc: 'The listeners, with what plugins know of them.',
    schema: exactly({ listeners: list(open(listener, added(details, 'listener'))) }),
  },
});

const endpoint = { address: text, weight: { type: 'number', minimum: 0 }, requests: count, streams: count };

export const clusters = (details: readonly AdminDetails[]): Responses => {
  const endpoints = list(open(endpoint, { until: time, metadata: { type: 'object' }, ...added(details, 'endpoint') }));
  return {
    200: {
      doc: 'The clusters, with what plugins know of them and of their endpoints; leaving: endpoints that are no longer picked; out: how many may not be.',
      schema: exactly({
        clusters: list(
          open(
            { name: text, connector: text, requests: count, streams: count, out: count, endpoints },
            { leaving: endpoints, ...added(details, 'cluster') },
          ),
        ),
      }),
    },
  };
};

const session = {
  always: {
    id: text,
    kind: { enum: ['http', 'websocket'] },
    listener: text,
    peer: text,
    method: text,
    host: orNull(text),
    path: text,
    route: orNull(text),
    cluster: orNull(text),
    endpoint: orNull(text),
    attempts: count,
    generation: count,
    ageSeconds: { type: 'number' },
    bytes: exactly({ received: count, sent: count }),
  },
  /** Of those that last. */
  perhaps: {
    eventStream: { const: true },
    idleSeconds: { oneOf: [seconds, exactly(eachSide(seconds))] },
    messages: exactly({ received: count, sent: count, total: count }),
    buffered: exactly({ ...eachSide(count), total: count }),
  },
};

const choose = (what: string) => ({ doc: `Those with this ${what} alone.` });

export const choosing: NonNullable<Description['query']> = {
  kind: { ...choose('kind'), schema: { enum: ['http', 'websocket'] } },
  listener: choose('listener'),
  route: choose('route'),
  cluster: choose('cluster'),
  endpoint: choose('endpoint'),
  limit: { doc: 'Sessions in the answer.', schema: { type: 'integer', minimum: 1, default: 1_000 } },
};

export const sessions = (details: readonly AdminDetails[]): Responses => ({
  200: {
    doc: 'How many are open, how many of them match, and those, with what plugins know of them.',
    schema: exactly({
      open: count,
      matching: count,
      sessions: list(open(session.always, { ...session.perhaps, ...added(details, 'session') })),
    }),
  },
});

export const closing: Description = {
  rest: { name: 'id', doc: 'Of the session.' },
  query: {
    code: { doc: 'What a WebSocket is closed with.', schema: { ...CLOSE_CODE, default: 1001 } },
    reason: { doc: 'Told beside the code; 123 bytes at most.', schema: { ...text, default: 'admin-closed' } },
  },
  responses: { 202: { doc: 'It is closing.', schema: exactly({ status: { const: 'closing' }, id: text }) } },
};

export const drain: Description = {
  query: { code: { doc: 'What WebSockets are closed with.', schema: { enum: [1001, 1012] } } },
  responses: { 202: { doc: 'The drain begins.', schema: exactly({ status: { const: 'draining' } }) } },
};
