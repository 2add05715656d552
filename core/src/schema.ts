/**
 * What a value must look like. Text in the file becomes the value that the plugin gets: a `duration` (`500ms 25s 2m off`)
 * is a number of milliseconds, `off` is Infinity; a `size` (`64KiB`) is a number of bytes.
 */
export type Format =
  | StringConstructor
  | NumberConstructor
  | BooleanConstructor
  | 'int'
  | 'nat'
  | 'port'
  | 'duration'
  | 'size'
  | 'ratio' // 0 to 1
  | 'rate' // '1/s', '10/m', a number of events per second
  | 'address' // host:port, [v6]:port, unix:/path
  | 'cidr'
  | 'peer' // a network in CIDR notation, or a SPIFFE ID, which may end with /*
  | 'path' // of a file, relative to the configuration file; the plugin gets it absolute
  | 'any'
  | readonly (string | number | boolean)[] // one of these
  | { readonly list: Format | Schema } // an array
  | { readonly map: Format | Schema } // a map of names to values
  | { readonly oneOf: readonly (Format | Schema)[] } // the first that fits
  | ((value: unknown) => void); // throws an Error that says what is expected

/** One setting. Without a `default` it must be given, unless `optional`. */
export interface Setting<T = unknown> {
  /** One sentence; it becomes the documentation and the JSON Schema's description. */
  readonly doc: string;
  readonly format: Format;
  readonly default?: T;
  /** Largest value, where the format is a number, in the unit that the plugin gets: bytes of a `size`, milliseconds. */
  readonly max?: number;
  /**
   * Further keywords of JSON Schema for a text (`minLength`, `pattern`), so that editors tell what is wrong with it. Whoever gets
   * the value checks it, and may say more.
   */
  readonly keywords?: Readonly<Record<string, unknown>>;
  /** May be left out; the plugin then gets undefined. */
  readonly optional?: boolean;
  /** Environment variable that overrides the file. */
  readonly env?: string;
  /** Masked wherever configuration is shown. */
  readonly sensitive?: boolean;
}

/** Settings by name, nested as they are in the file. Core's own type; the configuration package turns it into convict's. */
export type Schema<C = Record<string, unknown>> = {
  readonly [K in keyof C]: Setting<C[K]> | Schema<C[K]>;
};

/** Tells a setting from a nested schema: a setting has a `doc` and a `format`. */
export function isSetting(node: unknown): node is Setting {
  return typeof node === 'object' && node !== null && 'format' in node && typeof (node as Setting).doc === 'string';
}
