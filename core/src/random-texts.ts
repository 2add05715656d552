import { randomFillSync } from 'node:crypto';
import { latin1 } from './latin1.ts';

// To ask the generator costs as much as what it makes of 16 KiB.
const random = Buffer.allocUnsafeSlow(32 * 1024);
let used = random.length;

/** Two hexadecimal digits for each byte: the first one in the low half. */
const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16LE(),
);
/** More are hardly cheaper, and one text that is kept keeps all of its batch. */
const BATCH = 16;

/**
 * A source of texts of one `form` (latin1, at most 4,000 characters), in which each `##` is another random byte in hexadecimal: for
 * what each request needs. They are made in batches, and handed out as slices: to put each together, and to make one piece of it where
 * it is written, costs several times as much. The bytes are cryptographically random, and each is used once.
 */
export function randomTexts(form: string): () => string {
  const batch = form.repeat(BATCH);
  const bytes = Buffer.from(batch, 'latin1');
  const places = Uint16Array.from(batch.matchAll(/##/g), ({ index }) => index);
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

/** Byte by byte, which V8 does in a third of the time that a DataView takes. A batch never needs more than all of `random`. */
function fillIn(bytes: Buffer, places: Uint16Array): void {
  if (used + places.length > random.length) {
    randomFillSync(random);
    used = 0;
  }
  let next = used;
  used += places.length;
  for (let i = 0; i < places.length; i++) {
    const digits = DIGITS[random[next++]!]!;
    const place = places[i]!;
    bytes[place] = digits;
    bytes[place + 1] = digits >>> 8;
  }
}
