import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '@opentelemetry/semantic-conventions';
import { parseAddress } from '@outrigger/core';

// What the HTTP conventions (stable) ask of both sides of an exchange.

/** Sets the method's attributes; returns what it is called in the name of a span. */
export function setMethod(attributes: Attributes, method: string): string {
  if (KNOWN_METHODS.has(method)) {
    attributes[ATTR_HTTP_REQUEST_METHOD] = method;
    return method;
  }
  attributes[ATTR_HTTP_REQUEST_METHOD] = '_OTHER';
  attributes[ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = method;
  return 'HTTP';
}

/** Sets the server's address and port as an endpoint's `host:port` or `unix:/path` says them. */
export function setEndpoint(attributes: Attributes, address: string): void {
  const parsed = parseAddress(address);
  if ('path' in parsed) {
    attributes[ATTR_SERVER_ADDRESS] = parsed.path;
    return;
  }
  attributes[ATTR_SERVER_ADDRESS] = parsed.host;
  attributes[ATTR_SERVER_PORT] = parsed.port;
}

/** The query with the values of those keys masked whose values are credentials (`url.query`, `url.full`). */
export function maskQuery(query: string): string {
  return query.replace(CREDENTIALS, '$1REDACTED');
}

/** The port of an authority, or that of the scheme where it has none. */
export function portOf(authority: string, scheme: string): number {
  const port = /:(\d+)$/.exec(authority)?.[1];
  return port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port);
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
const CREDENTIALS = /((?:^|&)(?:AWSAccessKeyId|Signature|sig|X-Goog-Signature)=)[^&]*/g;
