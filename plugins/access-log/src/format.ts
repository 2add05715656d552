import { type Entry, FIELDS, type Value } from './entry.ts';

/** Makes the whole line, its end included. */
export type LineFormat = (entry: Entry) => string;

type Read = (entry: Entry) => Value;

/** `json`, or a template. Throws an Error that says what is wrong with a template. */
export function formatOf(format: string, query: boolean): LineFormat {
  return format === 'json' ? json(query) : template(format);
}

function json(query: boolean): LineFormat {
  const fields = (Object.entries(FIELDS) as [string, Read][])
    .filter(([name]) => query || name !== 'query')
    .map(([name, read]) => ({ key: `,"${name}":`, read }));
  return (entry) => {
    let line = '';
    for (const { key, read } of fields) {
      const value = read(entry);
      if (value !== undefined) line += key + (typeof value === 'number' ? value : `"${escaped(value)}"`);
    }
    return `{${line.slice(1)}}\n`;
  };
}

/** Names of fields in braces, text between them. What has no value is `-`, as with nginx and Envoy. */
function template(text: string): LineFormat {
  if (CONTROL.test(text)) throw new Error('a template must not have line ends or other control characters');
  const parts = text.split(/\{([^{}]*)\}/);
  const reads = parts.filter((_, i) => i % 2 === 1).map(readerOf);
  const literals = parts.filter((_, i) => i % 2 === 0);
  if (reads.length === 0) throw new Error('must be json, or a template with fields in braces, such as {status}');
  return (entry) => {
    let line = literals[0]!;
    for (let i = 0; i < reads.length; i++) {
      const value = reads[i]!(entry) ?? '-';
      line += (typeof value === 'number' ? value : escaped(value)) + literals[i + 1]!;
    }
    return `${line}\n`;
  };
}

function readerOf(name: string): Read {
  const read = (FIELDS as Readonly<Record<string, Read>>)[name];
  if (read === undefined || !Object.hasOwn(FIELDS, name))
    throw new Error(`{${name}} is not a field; there are ${Object.keys(FIELDS).join(', ')}`);
  return read;
}

const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/;
/** What may stand as it is between the quotes of a JSON string, and is no control character for anybody. */
const PLAIN = /^[ !#-[\]-~\xa0-\u2027\u202a-\ud7ff]*$/;

/** As in a JSON string: no value ends a line, or the quotes that a template puts around it. */
function escaped(value: string): string {
  if (PLAIN.test(value)) return value;
  return JSON.stringify(value)
    .slice(1, -1)
    .replace(/[\x7f-\x9f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
