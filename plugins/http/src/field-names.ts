import type { HeadScanner } from './head-scanner.ts';

/**
 * Tells which of a few names a field has. Most fields have none of them, which their first letter and their length tell; only
 * those that might are compared letter by letter.
 */
export class FieldNames {
  /** By {@link keyOf}. */
  readonly #known: (Known | undefined)[] = new Array(1024).fill(undefined);

  /** `names`, in lower case, of which no two have both first letter and length in common. */
  constructor(names: readonly string[]) {
    for (const name of names) {
      const key = keyOf(name.charCodeAt(0), name.length);
      const other = this.#known[key];
      if (other !== undefined) throw new Error(`${name} and ${other.name} cannot be told apart`);
      this.#known[key] = { name, letters: Buffer.from(name, 'latin1') };
    }
  }

  /** The name of a field, where it is one of these, in whatever case; else empty. */
  of({ bytes, offsets }: HeadScanner, field: number): string {
    const from = offsets[4 * field]!;
    const length = offsets[4 * field + 1]! - from;
    const known = this.#known[keyOf(bytes[from]!, length)];
    if (known === undefined) return '';
    const { name, letters } = known;
    return letters.length === length && spells(bytes, from, letters) ? name : '';
  }
}

interface Known {
  readonly name: string;
  readonly letters: Buffer;
}

function keyOf(first: number, length: number): number {
  return ((first & 31) << 5) | (length & 31);
}

/** Whether the bytes of a name or a value spell, from `from` on, what `lower` holds in lower case, whatever their own. */
export function spells(b: Buffer, from: number, lower: Buffer): boolean {
  // In these there is no control character, which alone this would take for another one.
  for (let i = 0; i < lower.length; i++) if ((b[from + i]! | 32) !== lower[i]) return false;
  return true;
}
