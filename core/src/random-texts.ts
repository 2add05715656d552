import { randomFillSync } from 'node:crypto';
import { latin1 } from './latin1.ts';

// To ask the generator costs as much as what it makes of 16 KiB.
const random = Buffer.allocUnsafeSlow(32 * 1024);
let used = random.length;

const HASH = '#'.charCodeAt(0);
const DIGITS = Buffer.from('0123456789abcdef', 'latin1');
/** More are hardly cheaper, and one text that is kept keeps all of its batch. */
const BATCH = 16;

/**
 * A source of texts of one `form` (latin1, at most 4,000 characters), in which each `#` is another random hexadecimal digit: for what
 * each request needs. They are made in batches, and handed out as slices: to put each together, and to make one piece of it where it
 * is written, costs several times as much. The digits are cryptographically random, and each is used once.
 */
export function randomTexts(form: string): () => string {
  const bytes = Buffer.from(form.repeat(BATCH), 'latin1');
  const places = Uint16Array.from([...bytes.keys()].filter((at) => bytes[at] === HASH));
  const { length } = form;
  let text = '';
  let at = 0;
  return () => {
    if (at === text.length) {
      fillIn(bytes, places);
      text = latin1(bytes, 0, bytes.length);
      at = 0;
    }
    at += length;
    return text.slice(at - length, at);
  };
}

function fillIn(bytes: Buffer, places: Uint16Array): void {
  for (let i = 0; i < places.length; i += 2) {
    if (used === random.length) {
      randomFillSync(random);
      used = 0;
    }
    const byte = random[used++]!;
    bytes[places[i]!] = DIGITS[byte >> 4]!;
    if (i + 1 < places.length) bytes[places[i + 1]!] = DIGITS[byte & 15]!;
  }
}
