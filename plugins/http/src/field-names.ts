/**
 * Tells which of a few names a field has. Most fields have none of them, which their first letter and their length tell; only
 * those that might are compared letter by letter.
 */
export class FieldNames {
  /** By {@link keyOf}, a place in the two lists; 0: no name has this key. */
  readonly #places = new Uint8Array(1024);
  readonly #names: string[] = [''];
  readonly #letters: Buffer[] = [Buffer.alloc(0)];

  /** `names`, in lower case, of which no two have both first letter and length in common. */
  constructor(names: readonly string[]) {
    // What has been a key is compared by its address, where a piece of a longer string is compared letter by letter.
    for (const name of Object.keys(Object.fromEntries(names.map((one) => [one, true])))) {
      const key = keyOf(name.charCodeAt(0), name.length);
      if (this.#places[key] !== 0)
        throw new Error(`${name} and ${this.#names[this.#places[key]!]} cannot be told apart`);
      this.#places[key] = this.#names.push(name) - 1;
      this.#letters.push(Buffer.from(name, 'latin1'));
    }
  }

  /** The name that stands in `b`, where it is one of these, in whatever case; else empty. */
  of(b: Buffer, from: number, to: number): string {
    const place = this.#places[keyOf(b[from]!, to - from)]!;
    if (place === 0) return '';
    const letters = this.#letters[place]!;
    return letters.length === to - from && spells(b, from, letters) ? this.#names[place]! : '';
  }
}

function keyOf(first: number, length: number): number {
  return ((first & 31) << 5) | (length & 31);
}

/** Whether the bytes of a name or a value spell, from `from` on, what `lower` holds in lower case, whatever their own. */
export function spells(b: Buffer, from: number, lower: Buffer): boolean {
  // In these there is no control character, which alone this would take for another one.
  const { length } = lower;
  for (let i = 0; i < length; i++) if ((b[from + i]! | 32) !== lower[i]) return false;
  return true;
}
