import type { JsonSchema } from '@outrigger/core';

const COUNT = { type: 'integer', minimum: 0 };
const OFFENCES = ['connects', 'consecutive', 'gateway', 'handshakes', 'closes'];

/** What `EndpointHealth.describe` returns, for `/openapi.json`. */
export const describedHealth: JsonSchema = {
  type: 'object',
  properties: {
    state: { enum: ['in', 'out', 'slow-start'] },
    why: { type: 'string' },
    until: { type: 'string', format: 'date-time' },
    check: { type: 'string' },
    timesEjected: COUNT,
    inARow: {
      type: 'object',
      properties: Object.fromEntries(OFFENCES.map((offence) => [offence, COUNT])),
      required: OFFENCES,
      additionalProperties: false,
    },
  },
  required: ['state'],
  additionalProperties: false,
};
