import { createHash } from 'node:crypto';
import type { Headers } from '@outrigger/core';
import { tokens } from '../characters.ts';
import { withoutLines } from '../field-lines.ts';
import type { ResponseParser } from '../response-parser.ts';
import { extension, PerMessageDeflate } from './ws-parts.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What answers `key` (RFC 6455 §4.2.2). */
export function acceptKey(key: string): string {
  return createHash('sha1')
    .update(key + GUID, 'latin1')
    .digest('base64');
}

/** Whether a 101 is the answer to this handshake (RFC 6455 §4.1): nothing is tunnelled before. */
export function isAccepted(response: ResponseParser, key: string, request: Headers): boolean {
  if (!tokens(response.upgrade).includes('websocket') || response.websocketAccept !== acceptKey(key)) return false;
  const { websocketProtocol } = response;
  if (websocketProtocol === undefined) return true;
  const offered = request
    .getAll('sec-websocket-protocol')
    .flatMap((list) => list.split(',').map((member) => member.trim()));
  return offered.includes(websocketProtocol);
}

/** Whether every extension that an endpoint has agreed on was offered (RFC 6455 §4.1); malformed is not. */
export function areOffered(agreed: string, request: Headers): boolean {
  if (agreed === '') return true;
  try {
    const offered = request.getAll('sec-websocket-extensions').flatMap((list) => Object.keys(extension.parse(list)));
    return Object.keys(extension.parse(agreed)).every((name) => offered.includes(name));
  } catch {
    return false;
  }
}

/** Whether we can take apart what goes by these extensions: none, or permessage-deflate with parameters that it has. */
export function areReadable(agreed: string): boolean {
  if (agreed === '') return true;
  try {
    const { 'permessage-deflate': deflate, ...others } = extension.parse(agreed);
    if (deflate?.length !== 1 || Object.keys(others).length > 0) return false;
    new PerMessageDeflate({ isServer: false, maxPayload: 0 }).accept(deflate);
    return true;
  } catch {
    return false;
  }
}

/**
 * The handshake's fields with only such extensions as we can take apart ourselves: where a plugin may watch the messages,
 * an endpoint must not agree on one that we do not know.
 */
export function offerReadable(fields: string, request: Headers): string {
  const offers: string[] = [];
  for (const header of request.getAll('sec-websocket-extensions')) {
    try {
      const { 'permessage-deflate': deflate } = extension.parse(header);
      if (deflate !== undefined) offers.push(extension.format({ 'permessage-deflate': deflate }));
    } catch {
      // Not well-formed: the endpoint would refuse it, and offers nothing to read it by.
    }
  }
  const rest = withoutLines(fields, 'sec-websocket-extensions');
  return offers.length === 0 ? rest : `${rest}sec-websocket-extensions: ${offers.join(', ')}\r\n`;
}
