import type { AdminRoute } from '@outrigger/core';

const TEXT = { type: 'string' };
const TIME = { type: 'string', format: 'date-time' };

const CERTIFICATE = {
  file: TEXT,
  names: { type: 'array', items: TEXT },
  subject: TEXT,
  issuer: TEXT,
  keyType: TEXT,
  notAfter: TIME,
  daysLeft: { type: 'number' },
  fingerprint256: TEXT,
};

const LISTENER = {
  minVersion: TEXT,
  clientAuth: TEXT,
  certificates: { type: 'array', items: whole(CERTIFICATE) },
};

/** `GET /certificates`: what `told` says of each listener. */
export function certificatesRoute(told: () => object): AdminRoute {
  return {
    method: 'GET',
    path: '/certificates',
    doc: 'The certificates in use, by listener: names, days to their end, and what was refused.',
    responses: {
      200: {
        doc: 'By name of the listener; refused: why the files on disk were not taken over, where they were not.',
        schema: {
          type: 'object',
          additionalProperties: whole(LISTENER, { refused: whole({ at: TIME, error: TEXT }) }),
        },
      },
    },
    serve: () => ({ body: told() }),
  };
}

/** The JSON Schema of an object that has all of `properties`, and perhaps some of `optional`. */
function whole(properties: object, optional: object = {}) {
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
