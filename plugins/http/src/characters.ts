/** Tables by byte, for the loops that look at every byte of a head. 1: allowed. */
function table(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allowed(byte) ? 1 : 0));
}

const TCHAR = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** RFC 9110 §5.6.2: names of fields, methods. */
export const TOKEN = table((byte) => TCHAR.includes(String.fromCharCode(byte)));

/** RFC 9110 §5.5: visible characters, obs-text, blank and tab; no CR, LF, NUL or other control. */
export const FIELD_VALUE = table((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** What a request target may hold: visible ASCII, and no fragment (HAProxy refuses `#` too). Blanks end it. */
export const TARGET = table((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** RFC 3986 §3.2.2: a registered name or an IPv4 address, as it stands in Host; percent-encoding is refused. */
export const HOST = table((byte) => /[0-9A-Za-z\-._~!$&'()*+,;=]/.test(String.fromCharCode(byte)));

/** Values of hexadecimal digits; 255 for everything else. */
export const HEX_VALUE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** Lists of tokens (`Connection`, `Upgrade`, `TE`): in lower case, without parameters, empty members left out. */
export function tokens(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((member) => member.split(';', 1)[0]!.trim())
    .filter((member) => member !== '');
}
