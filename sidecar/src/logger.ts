import type { Logger, LogLevel } from '@outrigger/core';
import { wantsColours } from './colours.ts';

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const COLOUR: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Lines for people instead of JSON. */
  readonly pretty: boolean;
  readonly colours: boolean;
  write(line: string): void;
}

/** What is written on standard error: JSON lines, or on a terminal lines for people. */
export function createLogger(options: LoggerOptions): Logger {
  return new LineLogger({ ...options }, {});
}

/** The logger of a process: pretty on a terminal, JSON elsewhere. */
export function standardError(level: LogLevel): Logger {
  // That nobody reads them any more ends no sidecar.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const terminal = process.stderr.isTTY === true;
  const colours = terminal && wantsColours(process.stderr);
  return createLogger({ level, pretty: terminal, colours, write: (line) => process.stderr.write(line) });
}

class LineLogger implements Logger {
  /** Shared with the children: a level that is changed while running holds for all. */
  readonly #options: { -readonly [K in keyof LoggerOptions]: LoggerOptions[K] };
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(options: LoggerOptions, fields: Readonly<Record<string, unknown>>) {
    this.#options = options;
    this.#fields = fields;
  }

  get level(): LogLevel {
    return this.#options.level;
  }

  set level(level: LogLevel) {
    this.#options.level = level;
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#log('error', message, fields);
  }

  child(fields: Readonly<Record<string, unknown>>): Logger {
    return new LineLogger(this.#options, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> | undefined): void {
    if (SEVERITY[level] < SEVERITY[this.#options.level]) return;
    const all = { ...this.#fields, ...fields };
    this.#options.write(this.#options.pretty ? this.#pretty(level, message, all) : this.#json(level, message, all));
  }

  #json(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): string {
    const { level: _level, msg: _msg, ...rest } = fields;
    return `${JSON.stringify({ level, msg: message, ...rest, time: new Date().toISOString() })}\n`;
  }

  #pretty(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): string {
    const colour = (code: number, text: string) => (this.#options.colours ? `\x1b[${code}m${text}\x1b[0m` : text);
    const time = new Date().toISOString().slice(11, 19);
    const details = Object.entries(fields).map(([name, value]) => `${colour(90, `${name}=`)}${show(value)}`);
    return `${colour(90, time)} ${colour(COLOUR[level], level.padEnd(5))} ${[message, ...details].join(' ')}\n`;
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  if (typeof value !== 'object' || value === null) return String(value);
  return JSON.stringify(value);
}
