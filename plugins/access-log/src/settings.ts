import { isAbsolute } from 'node:path';
import type { Schema } from '@outrigger/core';
import { formatOf } from './format.ts';

/** What is written behind `access-log:` in the file. */
export interface AccessLogSettings {
  /** `off`, `stdout`, or an absolute path. */
  readonly path: string;
  /** `json`, or a template. */
  readonly format: string;
  readonly query: boolean;
  /** 0 to 1. */
  readonly sample: number;
  readonly websocket: {
    readonly start: boolean;
    /** Milliseconds; Infinity is `off`. */
    readonly every: number;
  };
}

export const config: Schema<AccessLogSettings> = {
  path: {
    doc: 'Where lines go: `off`, `stdout`, or the absolute path of a file, which is opened again on SIGHUP.',
    format: target,
    default: 'off',
  },
  format: {
    doc: '`json`, or a template such as `{client} "{method} {path}" {status} {durationMs}`.',
    format: template,
    default: 'json',
  },
  query: { doc: 'Whether JSON lines have the query, too, which may hold secrets.', format: Boolean, default: false },
  sample: {
    doc: 'Share of the sessions that is logged, of those that end well; all others are logged in any case.',
    format: 'ratio',
    default: 1,
  },
  websocket: {
    start: { doc: 'Whether a WebSocket has a line when it opens, too.', format: Boolean, default: true },
    every: {
      doc: 'A WebSocket has a line so often while it is open, too.',
      format: 'duration',
      default: 'off' as unknown as number,
    },
  },
};

function target(value: unknown): void {
  if (value === 'off' || value === 'stdout') return;
  if (typeof value !== 'string' || !isAbsolute(value))
    throw new Error('must be off, stdout, or the absolute path of a file');
}

function template(value: unknown): void {
  if (typeof value !== 'string' || value === '') throw new Error('must be json, or a template');
  formatOf(value, false);
}
