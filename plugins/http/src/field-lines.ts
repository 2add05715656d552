import type { Headers, Overlay } from '@outrigger/core';

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** These frame the message or belong to the connection: the engine writes them. */
const OWNED = new Set(
  'connection content-length keep-alive proxy-connection te transfer-encoding upgrade sec-websocket-key sec-websocket-accept sec-websocket-extensions'.split(
    ' ',
  ),
);

/**
 * The fields of a head as the text in which they go on (`Name: value` CRLF, one after the other). Reading walks the text,
 * writing edits it: a head that nobody touches is never taken apart.
 */
export class FieldLines implements Headers {
  /** What goes on. */
  text: string;

  constructor(text: string) {
    this.text = text;
  }

  get(name: string): string | undefined {
    const at = findLine(this.text, name, 0);
    return at === -1 ? undefined : valueAt(this.text, at, name.length);
  }

  getAll(name: string): string[] {
    const values: string[] = [];
    for (
      let at = findLine(this.text, name, 0);
      at !== -1;
      at = findLine(this.text, name, this.text.indexOf('\n', at) + 1)
    ) {
      values.push(valueAt(this.text, at, name.length));
    }
    return values;
  }

  has(name: string): boolean {
    return findLine(this.text, name, 0) !== -1;
  }

  set(name: string, value: string): void {
    check(name, value);
    this.text = `${withoutLines(this.text, name)}${name}: ${value}\r\n`;
  }

  append(name: string, value: string): void {
    check(name, value);
    this.text += `${name}: ${value}\r\n`;
  }

  remove(name: string): void {
    check(name, '');
    this.text = withoutLines(this.text, name);
  }

  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    const { text } = this;
    for (let at = 0; at < text.length; at = text.indexOf('\n', at) + 1) {
      const colon = text.indexOf(':', at);
      yield [text.slice(at, colon), valueAt(text, at, colon - at)];
    }
  }
}

/** The text with what an attempt changes; what is the engine's stays as it is. */
export function overlaid(text: string, overlay: Overlay): string {
  const { names, values } = overlay;
  let result = text;
  for (let i = 0; i < names.length; i++) {
    const value = values[i];
    if (OWNED.has(names[i]!)) continue;
    result = withoutLines(result, names[i]!);
    if (value !== undefined) result += `${names[i]}: ${value}\r\n`;
  }
  return result;
}

/** The text without every line of `name`; the same string where there is none. */
export function withoutLines(text: string, name: string): string {
  let result = text;
  for (let at = findLine(result, name, 0); at !== -1; at = findLine(result, name, at)) {
    result = result.slice(0, at) + result.slice(result.indexOf('\n', at) + 1);
  }
  return result;
}

/** Index of the first line of `name` from `from` on, which is the start of a line; -1 where there is none. */
function findLine(text: string, name: string, from: number): number {
  const { length } = name;
  const first = name.charCodeAt(0) | 32;
  for (let at = from; at < text.length; at = text.indexOf('\n', at) + 1) {
    if (
      (text.charCodeAt(at) | 32) === first &&
      text.charCodeAt(at + length) === 58 &&
      (text.startsWith(name, at) || text.slice(at, at + length).toLowerCase() === name.toLowerCase())
    ) {
      return at;
    }
  }
  return -1;
}

function valueAt(text: string, line: number, nameLength: number): string {
  let from = line + nameLength + 1;
  let to = text.indexOf('\r', from);
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Whether a head may carry the field: what a plugin's verdict brings along is not checked before. */
export function mayCarry(name: string, value: string): boolean {
  return NAME.test(name) && !INVALID_VALUE.test(value) && !OWNED.has(name.toLowerCase());
}

function check(name: string, value: string): void {
  if (!NAME.test(name)) throw new TypeError(`"${name}" is not a header name (RFC 9110 §5.1)`);
  if (INVALID_VALUE.test(value)) throw new TypeError(`the value of ${name} has a character that no header may carry`);
  if (OWNED.has(name.toLowerCase())) throw new TypeError(`the header ${name} is the engine's and cannot be changed`);
}
