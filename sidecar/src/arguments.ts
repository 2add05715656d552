import { parseArgs } from 'node:util';
import { didYouMean, type LogLevel } from '@outrigger/core';

/** What the command line asks for. */
export type Command =
  | { readonly command: 'run'; readonly source: ConfigurationSource; readonly logLevel: LogLevel }
  | { readonly command: 'check'; readonly source: ConfigurationSource }
  | { readonly command: 'demo'; readonly logLevel: LogLevel }
  | { readonly command: 'help' }
  | { readonly command: 'version' };

/** Where the configuration comes from, and what overrides it. */
export interface ConfigurationSource {
  /** A file; or the text of one; or the two addresses of the shortest use. */
  readonly file?: string | undefined;
  readonly text?: string | undefined;
  readonly listen?: string | undefined;
  readonly to?: string | undefined;
  /** `PATH=VALUE`. */
  readonly set: readonly string[];
}

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const COMMANDS = ['run', 'check', 'demo', 'help', 'version'];
const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  set: { type: 'string', multiple: true },
  listen: { type: 'string' },
  to: { type: 'string' },
  'log-level': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** Options that a command takes, beside --help. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  run: ['config', 'set', 'listen', 'to', 'log-level'],
  check: ['config', 'set'],
  demo: ['log-level'],
};

/** Reads the arguments behind `outrigger`. Throws a {@link UsageError}. */
export function readArguments(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.version) return { command: 'version' };
  const [command = args.length === 0 ? 'help' : 'run', ...rest] = positionals;
  if (values.help || command === 'help') return { command: 'help' };
  if (command === 'version') return { command: 'version' };
  if (!COMMANDS.includes(command)) {
    const guess = didYouMean(command, COMMANDS);
    throw new UsageError(`there is no command "${command}"${guess === undefined ? '' : `; did you mean "${guess}"?`}`);
  }
  if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one argument too many; a file is given as -c ${rest[0]}`);
  for (const option of Object.keys(values)) {
    if (!TAKES[command]!.includes(option)) throw new UsageError(`outrigger ${command} takes no --${option}`);
  }
  const logLevel = values['log-level'] ?? 'info';
  if (!LEVELS.includes(logLevel))
    throw new UsageError(`--log-level is "${logLevel}"; expected one of ${LEVELS.join(', ')}`);
  if (command === 'demo') return { command, logLevel: logLevel as LogLevel };
  const source = { file: values.config, listen: values.listen, to: values.to, set: values.set ?? [] };
  checkSource(command, source);
  return command === 'check' ? { command, source } : { command: 'run', source, logLevel: logLevel as LogLevel };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const unknown = /Unknown option '(--?)([^']+)'/.exec((error as Error).message);
    if (unknown === null) throw new UsageError((error as Error).message);
    const guess = didYouMean(unknown[2]!, Object.keys(OPTIONS));
    throw new UsageError(
      `there is no option ${unknown[1]}${unknown[2]}${guess === undefined ? '' : `; did you mean --${guess}?`}`,
    );
  }
}

function checkSource(command: string, { file, listen, to }: ConfigurationSource): void {
  if (file !== undefined && (listen !== undefined || to !== undefined)) {
    throw new UsageError('-c FILE and --listen/--to exclude each other');
  }
  if (file === undefined && command === 'check') throw new UsageError('outrigger check needs -c FILE');
  if (file === undefined && listen === undefined && to === undefined) {
    throw new UsageError('outrigger run needs -c FILE, or --listen ADDR --to ADDR');
  }
  if (file === undefined && (listen === undefined || to === undefined)) {
    throw new UsageError(
      `--${listen === undefined ? 'to' : 'listen'} needs --${listen === undefined ? 'listen' : 'to'}, too`,
    );
  }
}

export const HELP = `outrigger: the service-mesh sidecar that you program in TypeScript

  outrigger [run] -c FILE [--set PATH=VALUE]... [--log-level LEVEL]
      Runs on a configuration. LEVEL is debug, info, warn or error.
  outrigger run --listen ADDR --to ADDR[,ADDR...]
      The shortest use: HTTP and WebSocket from one address to the others.
  outrigger check -c FILE [--set PATH=VALUE]...
      Tells every problem of a configuration.
  outrigger demo
      Services, a sidecar and traffic on this machine, no configuration.
  outrigger --version

Examples
  outrigger run --listen 127.0.0.1:8080 --to 127.0.0.1:3000
  outrigger -c outrigger.yaml --set listeners.inbound.bind=127.0.0.1:0

Exit codes: 0 clean, 1 failure while running, 2 usage, 78 bad configuration.
Signals: SIGTERM and SIGINT drain, then end; a second one ends at once.
`;
