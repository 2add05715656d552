/** From the least severe to the most. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Structured log lines on standard error; `fields` are merged into the line. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger whose lines all carry `fields`. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
  /** The least severe level that is written; may be changed while running, and then holds for parent and children, too. */
  level: LogLevel;
}
