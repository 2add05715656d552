import type { Schema } from '@outrigger/core';

/** What is written behind `metrics:` in the file. */
export interface MetricsSettings {
  readonly sessions: boolean;
}

export const config: Schema<MetricsSettings> = {
  sessions: {
    doc: 'Whether sessions are measured: durations, bytes, messages, closes. What other plugins measure is there in any case.',
    format: Boolean,
    default: true,
  },
};
