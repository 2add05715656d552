/** One value that holds, with where it came from. */
export interface ConfiguredValue {
  /** As the file has it: `listeners.inbound.bind`; settings of plugins begin with the plugin's name. */
  readonly path: string;
  /** As files write it; what is sensitive is masked. */
  readonly value: unknown;
  /** `FILE:LINE:COLUMN`, `$VARIABLE`, `--flag`, `default`, or `program` where no file was read. */
  readonly origin: string;
}

/** Where a configuration came from, told by who has read it. */
export interface Provenance {
  /** The JSON text of a list of {@link ConfiguredValue}, in the order of the file. May be long: it is made when it is asked for. */
  values(): Promise<string>;
  /** What plugins warned of while the configuration was read. */
  readonly warnings: readonly string[];
}

/** The values in plain data, each with its path; an empty list or map is one. */
export function* valuesIn(data: unknown, path = ''): Generator<readonly [path: string, value: unknown]> {
  if (typeof data !== 'object' || data === null || Object.keys(data).length === 0) yield [path, data];
  else if (Array.isArray(data))
    for (const [index, item] of data.entries()) yield* valuesIn(item, joinIndex(path, index));
  else for (const [key, item] of Object.entries(data)) yield* valuesIn(item, joinKey(path, key));
}

/** `listeners` and `edge` → `listeners.edge`; a name that is not a plain word is quoted: `clusters."a.b"`. */
export function joinKey(path: string, key: string): string {
  const word = /^[\w/-][\w/@-]*$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? word : `${path}.${word}`;
}

export function joinIndex(path: string, index: number): string {
  return `${path}[${index}]`;
}
