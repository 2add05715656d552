import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '@opentelemetry/semantic-conventions';
import { parseAddress } from '@outrigger/core';
import { keyOf, type SpanWriter } from './span-writer.ts';

// What the HTTP conventions (stable) ask of both sides of an exchange.

export const SERVER_ADDRESS = keyOf(ATTR_SERVER_ADDRESS);
export const SERVER_PORT = keyOf(ATTR_SERVER_PORT);
const METHOD = keyOf(ATTR_HTTP_REQUEST_METHOD);
const METHOD_ORIGINAL = keyOf(ATTR_HTTP_REQUEST_METHOD_ORIGINAL);

/** Writes the method's attributes; returns what it is called in the name of a span. */
export function writeMethod(out: SpanWriter, method: string): string {
  if (KNOWN_METHODS.has(method)) {
    out.text(METHOD, method);
    return method;
  }
  out.text(METHOD, '_OTHER');
  out.text(METHOD_ORIGINAL, method);
  return 'HTTP';
}

/** Writes the server's address and port as an endpoint's `host:port` or `unix:/path` says them. */
export function writeEndpoint(out: SpanWriter, address: string): void {
  const parsed = parseAddress(address);
  if ('path' in parsed) return out.text(SERVER_ADDRESS, parsed.path);
  out.text(SERVER_ADDRESS, parsed.host);
  out.number(SERVER_PORT, parsed.port);
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
