import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ADMIN_TOKEN, PluginError } from '@outrigger/core';

/** One of the two, or nothing: then nobody is asked for a token. */
export interface TokenSettings {
  readonly token?: string;
  /** Path of a file with the token; white space around it is not part of it. */
  readonly tokenFile?: string;
}

/** What the admin address must be asked with. */
export interface Token {
  /** Whether a field `Authorization` has it, as RFC 6750 §2.1 says; takes the same time for any token. */
  isIn(authorization: string | undefined): boolean;
}

const { minLength, pattern } = ADMIN_TOKEN;
const ALPHABET = new RegExp(pattern);

export function saysToken({ token, tokenFile }: TokenSettings): boolean {
  return token !== undefined || tokenFile !== undefined;
}

/** Undefined where none is wanted. Throws a {@link PluginError} that says what is wrong, and never quotes it. */
export function readToken({ token, tokenFile }: TokenSettings): Token | undefined {
  if (token !== undefined && tokenFile !== undefined)
    throw wrong('tokenFile', 'stands beside admin.token; one of the two is enough');
  if (token !== undefined) return tokenOf(token, 'token', 'has');
  if (tokenFile === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(tokenFile, 'utf8').trim();
  } catch (error) {
    throw wrong('tokenFile', `cannot be read: ${(error as Error).message}`);
  }
  return tokenOf(text, 'tokenFile', `names ${tokenFile}, which has`);
}

function tokenOf(text: string, key: string, has: string): Token {
  if (text.length < minLength)
    throw wrong(key, `${has} ${text.length} characters; expected ${minLength} or more, as of openssl rand -hex 16`);
  if (!ALPHABET.test(text))
    throw wrong(
      key,
      `${has} characters that cannot stand behind "Bearer"; expected letters, digits and - . _ ~ + / alone`,
    );
  const expected = digest(text);
  return {
    isIn(authorization = '') {
      const given = /^bearer +(\S+)$/i.exec(authorization)?.[1];
      return given !== undefined && timingSafeEqual(digest(given), expected);
    },
  };
}

/** Of one length, whatever is given: `timingSafeEqual` needs that, and the length is nobody's business. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function wrong(key: string, message: string): PluginError {
  return new PluginError('admin', message, { keys: ['admin', key] });
}
