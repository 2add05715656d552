import { type Format, isSetting, type Schema, type Setting } from '@outrigger/core';
import { isFormatOnly } from './formats.ts';
import { MASK } from './reader.ts';

/** A text, such as a plugin's error, with what is sensitive in the plugin's settings masked wherever it is quoted. */
export function maskSecrets(text: string, schema: Schema | undefined, settings: unknown): string {
  const secrets = schema === undefined ? [] : secretsIn(schema, settings);
  // The longest first: one may be part of another.
  return secrets.sort((a, b) => b.length - a.length).reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}

function secretsIn(format: Format | Schema, value: unknown): string[] {
  if (typeof format !== 'object' || Array.isArray(format) || typeof value !== 'object' || value === null) return [];
  if (!isFormatOnly(format)) {
    const values = value as Readonly<Record<string, unknown>>;
    return Object.entries<Setting | Schema>(format as Schema).flatMap(([key, child]) => {
      if (!isSetting(child)) return secretsIn(child, values[key]);
      return child.sensitive ? scalarsIn(values[key]) : secretsIn(child.format, values[key]);
    });
  }
  if ('oneOf' in format) return (format.oneOf as readonly Format[]).flatMap((one) => secretsIn(one, value));
  const child = ('list' in format ? format.list : (format as { map: Format }).map) as Format;
  return Object.values(value).flatMap((item) => secretsIn(child, item));
}

function scalarsIn(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(scalarsIn);
  return value === undefined || value === null || value === '' ? [] : [String(value)];
}
