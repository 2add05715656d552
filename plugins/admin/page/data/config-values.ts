import type { ConfigValue } from './answers.ts';

/** The leaves of a configuration, each with its path: `listeners.inbound.bind`, `endpoints[0].address`. */
export function valuesOf(configuration: unknown, path = ''): ConfigValue[] {
  if (typeof configuration !== 'object' || configuration === null) return [{ path, value: configuration }];
  const entries = Object.entries(configuration);
  if (entries.length === 0) return path === '' ? [] : [{ path, value: configuration }];
  return entries.flatMap(([key, value]) => {
    if (Array.isArray(configuration)) return valuesOf(value, `${path}[${key}]`);
    return valuesOf(value, path === '' ? key : `${path}.${key}`);
  });
}
