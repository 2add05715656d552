import { STATUS_CODES } from 'node:http';
import type { RequestHead, ResponseHead } from '@outrigger/core';
import { FieldLines, mayCarry } from './field-lines.ts';

const NO_FIELDS = new FieldLines('', 0);

/** A request's head as hooks see it: what goes up. The parser fills it. */
export class RequestView implements RequestHead {
  method = '';
  target = '';
  path = '';
  query = '';
  host = '';
  authority = '';
  version: '1.0' | '1.1' = '1.1';
  headers = NO_FIELDS;
  /** The request line as it goes up, with its CRLF; empty from the 101 on. */
  line = '';
}

/** A response's head as hooks see it: what goes down. */
export class ResponseView implements ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly local: boolean;
  readonly headers: FieldLines;

  constructor(status: number, reason: string, fields: string, local: boolean) {
    this.status = status;
    this.reason = reason;
    this.headers = new FieldLines(fields);
    this.local = local;
  }
}

/** `HTTP/1.1 200 OK` CRLF. */
export function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

/** The sidecar's own answer: plain text, one line. */
export function localReply(
  status: number,
  text: string,
  headers?: Readonly<Record<string, string>>,
): { view: ResponseView; body: string } {
  const bodiless = status === 204 || status === 304;
  const body = text === '' || bodiless ? '' : Buffer.from(`${text}\n`, 'utf8').toString('latin1');
  const view = new ResponseView(status, STATUS_CODES[status] ?? '', '', true);
  const lines = view.headers;
  if (body !== '') lines.text += 'content-type: text/plain; charset=utf-8\r\n';
  if (!bodiless) lines.text += `content-length: ${body.length}\r\n`;
  for (const [name, value] of Object.entries(headers ?? {}))
    if (mayCarry(name, value)) lines.text += `${name}: ${value}\r\n`;
  return { view, body };
}
