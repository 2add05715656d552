// JSON Schemas of what is told of certificates, for /openapi.json.

const TEXT = { type: 'string' };
const TIME = { type: 'string', format: 'date-time' };
/** Why the files on disk were not taken over, where they were not. */
const REFUSED = { refused: whole({ at: TIME, error: TEXT }) };

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

/** Of a listener. */
export const LISTENER_TLS = whole(
  { minVersion: TEXT, clientAuth: TEXT, certificates: { type: 'array', items: whole(CERTIFICATE) } },
  REFUSED,
);

/** Of a cluster: with the certificate that its endpoints are shown, where there is one. */
export const CLUSTER_TLS = whole(
  { verify: { type: 'boolean' } },
  { serverName: TEXT, cert: TEXT, notAfter: TIME, daysLeft: { type: 'number' }, ...REFUSED },
);

/** An object that has all of `properties`, and perhaps some of `optional`. */
function whole(properties: object, optional: object = {}) {
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
