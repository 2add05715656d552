import { latin1, randomBytesOnce, randomHex } from '@outrigger/core';

/** 32 random hexadecimal digits. */
export const newTraceId = (): string => randomHex(16);

/** 16 random hexadecimal digits. */
export const newSpanId = (): string => randomHex(8);

const UNSAMPLED = '00-00000000000000000000000000000000-0000000000000000-00';
const DIGITS = Buffer.from('0123456789abcdef', 'latin1');

// Made by the hundred: one is then a slice, where to put it together and make one piece of it costs as much as all else that an
// unsampled request does here.
const HUNDRED = 100;
const forms = Buffer.from(UNSAMPLED.repeat(HUNDRED), 'latin1');
let text = '';
let used = 0;

/** The `traceparent` (version 00) of a trace that begins here, with a trace id and a span id of its own, and is not sampled. */
export function newTraceparent(): string {
  if (used === text.length) {
    fillForms();
    text = latin1(forms, 0, forms.length);
    used = 0;
  }
  const traceparent = text.slice(used, used + UNSAMPLED.length);
  used += UNSAMPLED.length;
  return traceparent;
}

/** New digits wherever there is one, but for version and flags. */
function fillForms(): void {
  const random = randomBytesOnce(HUNDRED * 24);
  let next = 0;
  for (let at = 0; at < forms.length; at += UNSAMPLED.length) {
    for (let i = at + 3; i < at + 35; i += 2) writeByte(i, random[next++]!);
    for (let i = at + 36; i < at + 52; i += 2) writeByte(i, random[next++]!);
  }
}

function writeByte(at: number, byte: number): void {
  forms[at] = DIGITS[byte >> 4]!;
  forms[at + 1] = DIGITS[byte & 15]!;
}
