import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type Format, isSetting, parseAddress } from '@outrigger/core';
import type { ScalarNode } from './node.ts';

/** A format that one scalar fills. */
export interface ScalarFormat {
  /** What belongs there: `a duration such as 25s`. */
  readonly expected: string;
  /** The value that the plugin gets; undefined, or what is wrong where more can be said, where `scalar` does not fit. */
  read(scalar: ScalarNode, directory: string): { readonly value: unknown } | Misfit | undefined;
  /** A value as files write it, where that is not the value itself. */
  write?(value: number): string | number;
}

/** Instead of `is "x"` and the format's `expected`. */
export interface Misfit {
  readonly message?: string;
  readonly expected?: string;
}

const DURATION = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const SIZE = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const PERIOD = { s: 1, m: 60, h: 3_600 } as const;

const text: ScalarFormat = {
  expected: 'text',
  read(scalar) {
    if (typeof scalar.value === 'string' || scalar.loose) return { value: scalar.text };
    return scalar.value === null ? undefined : { expected: `text, in quotes: "${scalar.text}"` };
  },
};

const number = (expected: string, fits: (value: number) => boolean): ScalarFormat => ({
  expected,
  read: ({ value }) => (typeof value === 'number' && Number.isFinite(value) && fits(value) ? { value } : undefined),
});

const boolean: ScalarFormat = {
  expected: 'true or false',
  read: ({ value }) => (typeof value === 'boolean' ? { value } : undefined),
};

/** Milliseconds. */
const duration: ScalarFormat = {
  expected: 'a duration such as 500ms, 25s, 2m, 1h or off',
  read(scalar) {
    if (scalar.text === 'off') return { value: Number.POSITIVE_INFINITY };
    if (typeof scalar.value === 'number') return { message: `is ${scalar.text} without a unit` };
    const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(scalar.text) ?? [];
    if (unit === undefined) return undefined;
    // 1.007s is 1007ms; the product is a little less.
    return { value: Number((Number(count) * DURATION[unit as keyof typeof DURATION]).toFixed(6)) };
  },
  write(ms) {
    if (ms === Number.POSITIVE_INFINITY) return 'off';
    return ms === 0 ? '0s' : withUnit(ms, DURATION);
  },
};

/** Bytes. */
const size: ScalarFormat = {
  expected: 'a size such as 512B, 64KiB, 4MiB or 1GiB',
  read(scalar) {
    if (typeof scalar.value === 'number') return isCount(scalar.value) ? { value: scalar.value } : undefined;
    const [, count, unit = 'B'] = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)?$/.exec(scalar.text) ?? [];
    const bytes = Number(count) * SIZE[unit as keyof typeof SIZE];
    return count !== undefined && Number.isInteger(bytes) ? { value: bytes } : undefined;
  },
  write: (bytes) => withUnit(bytes, SIZE),
};

/** Events per second. */
const rate: ScalarFormat = {
  expected: 'a rate such as 1/s, 10/m, or a number of events per second',
  read(scalar) {
    if (typeof scalar.value === 'number')
      return scalar.value >= 0 && Number.isFinite(scalar.value) ? { value: scalar.value } : undefined;
    const [, count, period = 's'] = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(scalar.text) ?? [];
    return count === undefined ? undefined : { value: Number(count) / PERIOD[period as keyof typeof PERIOD] };
  },
};

const address: ScalarFormat = {
  expected: 'an address: host:port, [ipv6]:port or unix:/path',
  read({ text }) {
    try {
      parseAddress(text);
      return { value: text };
    } catch {
      return undefined;
    }
  },
};

const cidr: ScalarFormat = {
  expected: 'a network such as 10.0.0.0/8 or fd00::/8',
  read({ text }) {
    const [, ip, bits] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
    if (ip === undefined)
      return isIP(text) ? { expected: `a network: ${text}/${isIP(text) === 4 ? 32 : 128}` } : undefined;
    const version = isIP(ip);
    return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128) ? { value: text } : undefined;
  },
};

/** SPIFFE-ID §2: no port, no empty segment, no query. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]+(\/[\w.-]+)*(\/\*)?$/;

const peer: ScalarFormat = {
  expected: `${cidr.expected}, or a SPIFFE ID such as spiffe://mesh/ns/a/*`,
  read: (scalar, directory) => (SPIFFE_ID.test(scalar.text) ? { value: scalar.text } : cidr.read(scalar, directory)),
};

const path: ScalarFormat = {
  expected: 'a path',
  read: (scalar, directory) =>
    typeof scalar.value === 'string' && scalar.text !== '' ? { value: resolve(directory, scalar.text) } : undefined,
};

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

const byName: Readonly<Record<string, ScalarFormat>> = {
  int: number('a whole number', Number.isInteger),
  nat: number('a whole number, 0 or more', isCount),
  port: number('a port from 0 to 65535', (value) => isCount(value) && value <= 65_535),
  ratio: number('a number from 0 to 1', (value) => value >= 0 && value <= 1),
  duration,
  size,
  rate,
  address,
  cidr,
  peer,
  path,
};

const anyNumber = number('a number', () => true);

/** The format that one scalar fills; undefined for those with children, for `any`, and for functions. */
export function scalarFormat(format: Format): ScalarFormat | undefined {
  if (format === String) return text;
  if (format === Number) return anyNumber;
  if (format === Boolean) return boolean;
  if (typeof format === 'string') return Object.hasOwn(byName, format) ? byName[format] : undefined;
  return isChoice(format) ? choice(format) : undefined;
}

/** What a format takes, for people. */
export function describeFormat(format: Format | object): string {
  const scalar = scalarFormat(format as Format);
  if (scalar) return scalar.expected;
  if (typeof format === 'object' && !isSetting(format)) {
    if ('list' in format && isFormatOnly(format)) return `a list, each ${describeFormat(format.list as Format)}`;
    if ('map' in format && isFormatOnly(format))
      return `a map of names, each with ${describeFormat(format.map as Format)}`;
    if ('oneOf' in format && isFormatOnly(format))
      return (format.oneOf as readonly Format[]).map(describeFormat).join(', or ');
    return `a map with ${Object.keys(format).join(', ') || 'no keys'}`;
  }
  return 'a value';
}

/** Tells `{ list: String }` from a schema with a setting called `list`. */
export function isFormatOnly(format: object): boolean {
  const entries = Object.entries(format);
  const [key, child] = entries[0] ?? [];
  if (entries.length !== 1 || (key !== 'list' && key !== 'map' && key !== 'oneOf')) return false;
  return key === 'oneOf' ? Array.isArray(child) : !isSetting(child);
}

/** By the largest unit of which it is a whole number. */
function withUnit(value: number, units: Readonly<Record<string, number>>): string {
  const [unit, size] = Object.entries(units).findLast(([, one]) => value % one === 0) ?? Object.entries(units)[0]!;
  return `${value / size}${unit}`;
}

/** A value that a setting has by default, as files write it. */
export function writeValue(value: unknown, format: Format | object): unknown {
  if (typeof value === 'number') return scalarFormat(format as Format)?.write?.(value) ?? value;
  if (typeof format !== 'object' || Array.isArray(format) || isSetting(format) || !isFormatOnly(format)) return value;
  if ('list' in format && Array.isArray(value)) return value.map((item) => writeValue(item, format.list as Format));
  if ('map' in format && typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, writeValue(item, format.map as Format)]),
    );
  return value;
}

function isChoice(format: Format | object): format is readonly (string | number | boolean)[] {
  return Array.isArray(format);
}

function choice(values: readonly (string | number | boolean)[]): ScalarFormat {
  return {
    expected: values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`,
    read(scalar) {
      const found = values.find(
        (value) => value === scalar.value || (typeof value === 'string' && value === scalar.text),
      );
      return found === undefined ? undefined : { value: found };
    },
  };
}
