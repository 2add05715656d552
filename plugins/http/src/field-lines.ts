import {
  checkFieldName,
  checkFieldValue,
  FieldLine,
  type Headers,
  isFieldValue,
  isToken,
  type Overlay,
} from '@outrigger/core';

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
  /** A bit for each name that there may be, by {@link bitOf}: a name whose bit is missing need not be looked for. */
  #names: number;

  /** `names`: the bits of all names in `text`; by default every one. */
  constructor(text: string, names = -1) {
    this.text = text;
    this.#names = names;
  }

  get(name: string): string | undefined {
    if (!this.#mayHave(name)) return undefined;
    const at = findLine(this.text, name, 0);
    return at === -1 ? undefined : valueAt(this.text, at, name.length);
  }

  getAll(name: string): string[] {
    const values: string[] = [];
    if (!this.#mayHave(name)) return values;
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
    return this.#mayHave(name) && findLine(this.text, name, 0) !== -1;
  }

  set(name: string, value: string): void {
    const start = startOf(name);
    checkFieldValue(name, value);
    const rest = this.#mayHave(name) ? withoutLines(this.text, name) : this.text;
    this.#names |= bitOf(name);
    this.text = `${rest}${start}${value}\r\n`;
  }

  append(field: string | FieldLine, value = ''): void {
    if (typeof field === 'string') {
      const start = startOf(field);
      checkFieldValue(field, value);
      this.#append(field, `${start}${value}\r\n`);
    } else if (field instanceof FieldLine) {
      startOf(field.name);
      this.#append(field.name, field.text);
      // What only looks like one was checked by nobody that we know.
    } else this.append((field as FieldLine).name, (field as FieldLine).value);
  }

  #append(name: string, line: string): void {
    this.#names |= bitOf(name);
    this.text += line;
  }

  remove(name: string): void {
    startOf(name);
    if (this.#mayHave(name)) this.text = withoutLines(this.text, name);
  }

  /** `text`, which has these names, with what an attempt changes; what is the engine's stays as it is. */
  overlaid(text: string, { names, values }: Overlay): string {
    let result = text;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (OWNED.has(name)) continue;
      if (this.#mayHave(name)) result = withoutLines(result, name);
      if (values[i] !== undefined) result += `${name}: ${values[i]}\r\n`;
    }
    return result;
  }

  #mayHave(name: string): boolean {
    return (this.#names & bitOf(name)) !== 0;
  }

  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    const { text } = this;
    for (let at = 0; at < text.length; at = text.indexOf('\n', at) + 1) {
      const colon = text.indexOf(':', at);
      yield [text.slice(at, colon), valueAt(text, at, colon - at)];
    }
  }
}

/** One of 32 bits for a name, in whatever case: by its first letter and its length. */
export function bitOf(name: string): number {
  return bitOfName(name.charCodeAt(0), name.length);
}

/** As {@link bitOf}, for who has the name as bytes. */
export function bitOfName(first: number, length: number): number {
  return 1 << (((first | 32) * 13 + length) & 31);
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
  return isToken(name) && isFieldValue(value) && !OWNED.has(name.toLowerCase());
}

/** What a line begins with, by names that were found valid and not the engine's: plugins use few, again and again. */
const starts = new Map<string, string>();
const MAX_STARTS = 256;

/** What a line of this name begins with: the name, a colon and a blank. Throws where a plugin may not write it. */
function startOf(name: string): string {
  let start = starts.get(name);
  if (start === undefined) {
    checkFieldName(name);
    if (OWNED.has(name.toLowerCase())) throw new TypeError(`the header ${name} is the engine's and cannot be changed`);
    // In one piece: what is written piece by piece costs by the piece.
    start = Buffer.from(`${name}: `, 'latin1').toString('latin1');
    if (starts.size < MAX_STARTS) starts.set(name, start);
  }
  return start;
}
