import { tokens } from './characters.ts';
import { type HeadScanner, MAX_FIELDS } from './head-scanner.ts';

/**
 * What a head says about this hop alone (RFC 9110 §7.6.1), and which of its fields go on: all but those that are dropped here, or
 * that `Connection` names. One instance for each parser, begun anew with each head.
 */
export class HopByHop {
  /** What `Connection` says. */
  close = false;
  keepAlive = false;
  upgrade = false;
  readonly #isEndToEnd: (name: string) => boolean;
  /** 1 for each field that stays here. */
  readonly #drop = new Uint8Array(MAX_FIELDS);
  #dropped = 0;
  #named: string[] | undefined = undefined;

  /** `isEndToEnd`: what `Connection` cannot name away. */
  constructor(isEndToEnd: (name: string) => boolean) {
    this.#isEndToEnd = isEndToEnd;
  }

  /** A head of so many fields. */
  begin(count: number): void {
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.#named = undefined;
    for (let field = 0; field < count; field++) this.#drop[field] = 0;
    this.#dropped = 0;
  }

  drop(field: number): void {
    if (this.#drop[field] === 1) return;
    this.#drop[field] = 1;
    this.#dropped++;
  }

  /** Reads a `Connection` field, which stays here itself. */
  connection(field: number, value: string): void {
    this.drop(field);
    const list = value.toLowerCase();
    if (list === 'keep-alive') this.keepAlive = true;
    else if (list === 'close') this.close = true;
    else for (const token of tokens(list)) this.#says(token);
  }

  #says(token: string): void {
    if (token === 'close') this.close = true;
    else if (token === 'keep-alive') this.keepAlive = true;
    else if (token === 'upgrade') this.upgrade = true;
    else if (!this.#isEndToEnd(token)) {
      this.#named ??= [];
      this.#named.push(token);
    }
  }

  /** Whether the connection may carry another message. */
  keeps(http10: boolean): boolean {
    return !this.close && (!http10 || this.keepAlive);
  }

  /** The fields that go on, as they came, each with its CRLF: runs of them verbatim. */
  endToEnd(head: HeadScanner): string {
    if (this.#named !== undefined) this.#dropNamed(head, this.#named);
    const { text, count } = head;
    let fields = '';
    let keep = head.startEnd + 2 - head.from;
    if (this.#dropped > 0) {
      for (let field = 0; field < count; field++) {
        if (this.#drop[field] === 0) continue;
        const line = head.line(field);
        if (line > keep) fields += text.slice(keep, line);
        keep = head.line(field + 1);
      }
    }
    const end = head.line(count);
    return end > keep ? fields + text.slice(keep, end) : fields;
  }

  #dropNamed(head: HeadScanner, named: readonly string[]): void {
    for (let field = 0; field < head.count; field++)
      if (this.#drop[field] === 0 && named.includes(head.name(field).toLowerCase())) this.drop(field);
  }
}
