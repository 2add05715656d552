import type { AdminRoute } from '@outrigger/core';
import { LISTENER_TLS } from './schemas.ts';

/** `GET /certificates`: what `told` says of each listener. */
export function certificatesRoute(told: () => object): AdminRoute {
  return {
    method: 'GET',
    path: '/certificates',
    doc: 'The certificates in use, by listener: names, days to their end, and what was refused.',
    responses: {
      200: {
        doc: 'By name of the listener; refused: why the files on disk were not taken over, where they were not.',
        schema: { type: 'object', additionalProperties: LISTENER_TLS },
      },
    },
    serve: () => ({ body: told() }),
  };
}
