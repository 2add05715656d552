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

/** A response's head as hooks see it: what goes down. One that nobody looks at is never taken apart. */
export class ResponseView implements ResponseHead {
  readonly status: number;
  readonly local: boolean;
  /** The status line as it goes down, with its CRLF. */
  line: string;
  #fields: string;
  #headers: FieldLines | undefined = undefined;

  /** `line` as {@link statusLine} has it; `fields` as they came. */
  constructor(status: number, line: string, fields: string, local: boolean) {
    this.status = status;
    this.line = line;
    this.#fields = fields;
    this.local = local;
  }

  get reason(): string {
    return this.line.slice(REASON_START, -2);
  }

  get headers(): FieldLines {
    this.#headers ??= new FieldLines(this.#fields);
    return this.#headers;
  }

  /** The fields as they go down, each with its CRLF. */
  get fields(): string {
    return this.#headers === undefined ? this.#fields : this.#headers.text;
  }

  /** It is to be kept for long: it lets go of the bytes that it came in. */
  settle(): void {
    this.line = flat(this.line);
    this.#fields = flat(this.fields);
    this.#headers = undefined;
  }
}

const REASON_START = 'HTTP/1.1 200 '.length;

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
  const view = new ResponseView(status, statusLine(status, STATUS_CODES[status] ?? ''), '', true);
  const lines = view.headers;
  if (body !== '') lines.text += 'content-type: text/plain; charset=utf-8\r\n';
  if (!bodiless) lines.text += `content-length: ${body.length}\r\n`;
  for (const [name, value] of Object.entries(headers ?? {}))
    if (mayCarry(name, value)) lines.text += `${name}: ${value}\r\n`;
  return { view, body };
}

/** A string that was put together from others holds on to all of them, and costs 32 bytes for each. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
