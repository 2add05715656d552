import { promisify } from 'node:util';
import { gunzip, gzipSync } from 'node:zlib';
import type { SidecarConfiguration } from '@outrigger/config';
import type { Inspection } from './inspect.ts';
import { valuesOf } from './values.ts';

const unpack = promisify(gunzip);

/** What is kept of where a configuration came from; may go from one thread to another. */
export interface PackedProvenance {
  /** The values, packed: of 10,000 routes they are 4 MB of text, and rarely asked for. */
  readonly values: Uint8Array;
  readonly warnings: readonly string[];
}

/** Undefined where there is no admin address, and so nobody who asks. */
export function packProvenance(inspection: Inspection): PackedProvenance | undefined {
  if (inspection.configuration.admin === false) return undefined;
  const text = JSON.stringify([...valuesOf(inspection)]);
  return { values: gzipSync(text, { level: 1 }), warnings: inspection.warnings };
}

/** The configuration, with what was kept. */
export function withProvenance(
  configuration: SidecarConfiguration,
  packed: PackedProvenance | undefined,
): SidecarConfiguration {
  if (packed === undefined) return configuration;
  const { values, warnings } = packed;
  const provenance = { values: async () => (await unpack(values)).toString('utf8'), warnings };
  return Object.freeze({ ...configuration, provenance });
}
