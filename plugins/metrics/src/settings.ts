import type { Schema } from '@outrigger/core';

/** What is written behind `metrics:` in the file, and the name of its `service:`. */
export interface MetricsSettings {
  /** OpenTelemetry's `service.name`: the program that composes puts it here. Default `outrigger`. */
  readonly serviceName?: string;
  readonly sessions: boolean;
}

export const config: Schema<Omit<MetricsSettings, 'serviceName'>> = {
  sessions: {
    doc: 'Whether sessions are measured: durations, bytes, messages, closes. What other plugins measure is there in any case.',
    format: Boolean,
    default: true,
  },
};
