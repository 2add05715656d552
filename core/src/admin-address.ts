/** Where the admin address is, unless the file says otherwise. */
export const ADMIN_BIND = '127.0.0.1:9901';

/** What a token of the admin address is, in words of JSON Schema. */
export const ADMIN_TOKEN = {
  /** Whoever guesses a token of so many characters, at random, needs longer than any sidecar runs. */
  minLength: 16,
  /** What may stand behind `Bearer` (RFC 6750 §2.1). */
  pattern: '^[\\w\\-.~+/]+=*$',
} as const;
