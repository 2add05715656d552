import { STATUS_CODES } from 'node:http';
import type { RequestHead, ResponseHead } from '@outrigger/core';
import { FieldLines, mayCarry } from './field-lines.ts';
import type { RequestParser } from './request-parser.ts';

/** A request's head as hooks see it: what goes up. */
export class RequestView implements RequestHead {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly authority: string;
  readonly version: '1.0' | '1.1';
  readonly headers: FieldLines;
  /** The request line as it goes up; empty from the 101 on. */
  line: string;

  constructor(parser: RequestParser, fields: string) {
    this.line = parser.line;
    this.method = parser.method;
    this.target = parser.target;
    this.path = parser.path;
    this.query = parser.query;
    this.host = parser.host;
    this.authority = parser.authority;
    this.version = parser.http10 ? '1.0' : '1.1';
    this.headers = new FieldLines(fields, parser.names);
  }
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
