import { randomTexts } from './random-texts.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** RFC 9110 §5.6.2: what names fields, cookies and subprotocols. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a head may carry the value (RFC 9110 §5.5): no control character but a tab, nothing beyond latin1. */
export function isFieldValue(value: string): boolean {
  return !INVALID_VALUE.test(value);
}

/** Throws a TypeError that names what is wrong. */
export function checkFieldName(name: string): void {
  if (!isToken(name)) throw new TypeError(`"${name}" is not a header name (RFC 9110 §5.1)`);
}

/** Throws a TypeError that names the field. */
export function checkFieldValue(name: string, value: string): void {
  if (!isFieldValue(value)) throw new TypeError(`the value of ${name} has a character that no header may carry`);
}

/**
 * A field line (RFC 9110 §5.2) that was found valid when it was made: for what goes into many heads, by `headers.append(line)`, which
 * does not look through its value again.
 */
export class FieldLine {
  readonly name: string;
  /** As it stands in a head, with its CRLF. */
  readonly text: string;

  private constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** Throws a TypeError on an invalid name or value. */
  static of(name: string, value: string): FieldLine {
    checkFieldName(name);
    checkFieldValue(name, value);
    return new FieldLine(name, `${name}: ${value}\r\n`);
  }

  /**
   * A source of lines whose values have one `form`, in which each `##` is another random byte in hexadecimal ({@link randomTexts}).
   * Throws a TypeError on an invalid name or form.
   */
  static random(name: string, form: string): () => FieldLine {
    const next = randomTexts(FieldLine.of(name, form).text);
    return () => new FieldLine(name, next());
  }

  get value(): string {
    return this.text.slice(this.name.length + 2, -2);
  }
}
