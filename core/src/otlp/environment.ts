import { accessSync, constants } from 'node:fs';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables by their names; undefined: nothing that can be understood is there. */
export type EnvironmentReader = ReturnType<typeof environmentReader>;

/**
 * Reads as OpenTelemetry specifies ("Environment Variable Specification"). A value that cannot be understood is told to `warn`
 * and counts as not set, an empty one is not set. Values are never told: they may be secrets that were put in the wrong place.
 * Names of choices are read in any case.
 */
export function environmentReader(env: Environment, warn: (message: string) => void) {
  const text = (name: string) => env[name]?.trim() || undefined;
  const wrong = (name: string, expected: string) => {
    warn(`${name} cannot be understood, expected ${expected}; it is ignored`);
    return undefined;
  };
  const number = (name: string, fits: (value: number) => boolean, expected: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    return fits(Number(value)) ? Number(value) : wrong(name, expected);
  };
  return {
    positive: (name: string) => number(name, (value) => Number.isInteger(value) && value > 0, 'a whole number above 0'),
    ratio: (name: string) => number(name, (value) => value >= 0 && value <= 1, 'a number from 0 to 1'),
    /** OpenTelemetry's truth values: whatever is not `true` is false. */
    flag: (name: string): boolean | undefined => {
      const value = text(name)?.toLowerCase();
      if (value !== undefined && value !== 'true' && value !== 'false') wrong(name, 'true or false');
      return value === undefined ? undefined : value === 'true';
    },
    choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return undefined;
      return choices.find((choice) => choice === value) ?? wrong(name, `one of ${choices.join(', ')}`);
    },
    /** What is known of a list with commas; undefined where nothing is. */
    list<T extends string>(name: string, choices: readonly T[]): readonly T[] | undefined {
      const values = [
        ...new Set(
          text(name)
            ?.split(',')
            .map((value) => value.trim().toLowerCase()),
        ),
      ];
      const known = values.filter((value): value is T => (choices as readonly string[]).includes(value));
      if (known.length < values.length) wrong(name, `some of ${choices.join(', ')}`);
      return known.length === 0 ? undefined : known;
    },
    /** Where a `scheme` is given, an address without one will do. */
    url(name: string, scheme?: string): string | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      if (isHttpUrl(value)) return value;
      const withScheme = `${scheme}://${value}`;
      if (scheme !== undefined && !value.includes('://') && isHttpUrl(withScheme)) return withScheme;
      return wrong(name, 'an http:// or https:// URL');
    },
    /** Whether there is a file, which the exporter reads. */
    file: (name: string): true | undefined => {
      const path = text(name);
      if (path === undefined) return undefined;
      try {
        accessSync(path, constants.R_OK);
        return true;
      } catch {
        return wrong(name, 'a file that can be read');
      }
    },
    /** Whether there are `key=value` pairs, which the exporter reads. */
    pairs: (name: string): true | undefined => {
      const value = text(name);
      if (value === undefined) return undefined;
      return value.split(',').every((pair) => pair.trim() === '' || pair.indexOf('=') > 0)
        ? true
        : wrong(name, 'key=value pairs with commas between them');
    },
  };
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
