import { parseArgs } from 'node:util';
import { didYouMean, LOG_LEVELS, type LogLevel } from '@outrigger/core';

/** What the command line asks for. */
export type Command =
  | { readonly command: 'run'; readonly source: ConfigurationSource; readonly logLevel: LogLevel }
  | { readonly command: 'check'; readonly source: ConfigurationSource }
  | { readonly command: 'explain'; readonly source: ConfigurationSource; readonly json: boolean }
  | { readonly command: 'schema'; readonly source: ConfigurationSource | undefined }
  | { readonly command: 'init' }
  | { readonly command: 'cert'; readonly out: string; readonly names: readonly string[] }
  | { readonly command: 'completion'; readonly shell: (typeof SHELLS)[number] }
  | { readonly command: 'demo'; readonly logLevel: LogLevel }
  | { readonly command: 'help'; readonly about: string | undefined }
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
  /** The command whose help says more. */
  readonly about: string | undefined;

  constructor(message: string, about?: string) {
    super(message);
    this.about = about;
  }
}

export const SHELLS = ['bash', 'zsh'] as const;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  set: { type: 'string', multiple: true },
  listen: { type: 'string' },
  to: { type: 'string' },
  json: { type: 'boolean' },
  out: { type: 'string' },
  'log-level': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

interface CommandInfo {
  readonly summary: string;
  /** Options that it takes, beside --help. */
  readonly takes: readonly (keyof typeof OPTIONS)[];
  /** What `outrigger help COMMAND` says. */
  readonly help: string;
}

/** The commands, in the order of the help. */
export const COMMANDS: Readonly<Record<string, CommandInfo>> = {
  run: {
    summary: 'run on a configuration, or from one address to others',
    takes: ['config', 'set', 'listen', 'to', 'log-level'],
    help: `outrigger [run] -c FILE [--set PATH=VALUE]... [--log-level LEVEL]
outrigger run --listen ADDR --to ADDR[,ADDR...]

Runs until SIGTERM or SIGINT: then it drains, and ends; a second signal ends it
at once. When all listeners accept, a line "ready" on standard error has their
addresses. --listen and --to need no file: HTTP and WebSocket from one address
to the others, in turn.

  -c, --config FILE     YAML or JSON; see outrigger init, outrigger check
      --set PATH=VALUE  override a value of the file; may be repeated
      --listen ADDR     host:port, [ipv6]:port or unix:/path; port 0 is any
      --to ADDR,...     where requests go
      --log-level LEVEL debug, info (the default), warn or error

Examples
  outrigger -c outrigger.yaml
  outrigger run -c outrigger.yaml --set drain.timeout=1m --log-level debug
  outrigger run --listen 127.0.0.1:8080 --to 127.0.0.1:3000,127.0.0.1:3001
`,
  },
  check: {
    summary: 'tell every problem of a configuration',
    takes: ['config', 'set'],
    help: `outrigger check -c FILE [--set PATH=VALUE]...

Tells every problem of a configuration at once, each as
  FILE:LINE:COLUMN path: what is wrong, what is expected
It loads and composes the plugins, too, without starting them: no socket is
opened. Exit code 0 where the file is valid, 78 where it is not.

Example
  outrigger check -c outrigger.yaml && echo good
`,
  },
  explain: {
    summary: 'show what a configuration does, and where each value is from',
    takes: ['config', 'set', 'json'],
    help: `outrigger explain -c FILE [--set PATH=VALUE]... [--json]

Shows what a configuration does: the plugins in order, the hooks in the order in
which they run, listeners, routes in the order in which they match, clusters,
and where each value came from: a line of the file, an environment variable, a
flag, or its default. Secrets are masked. Nothing is started.

      --json            the same for programs

Examples
  outrigger explain -c outrigger.yaml | less
  outrigger explain -c outrigger.yaml --json | jq '.listeners[].routes'
`,
  },
  schema: {
    summary: 'print the JSON Schema of configurations, for editors',
    takes: ['config', 'set'],
    help: `outrigger schema [-c FILE]

Prints the JSON Schema (draft 2020-12) of configurations: with the settings of
the built-in plugins, and with -c with those of the file's own plugins, too. A
file whose first line is
  # yaml-language-server: $schema=outrigger.schema.json
is completed and checked by editors that know YAML's language server.

Example
  outrigger schema > outrigger.schema.json
`,
  },
  init: {
    summary: 'write a commented outrigger.yaml into this folder',
    takes: [],
    help: `outrigger init

Writes a commented outrigger.yaml into the current folder: one listener in front
of a service on port 3000, and the rest to be uncommented. It never overwrites.

Example
  outrigger init && outrigger check -c outrigger.yaml
`,
  },
  cert: {
    summary: 'a local authority and certificates, for development',
    takes: ['out'],
    help: `outrigger cert [--out DIR] [NAME...]

Makes an authority of your own, and a certificate that it issued for each NAME:
a host, *.host, an IP address, or spiffe://... Without a NAME: localhost.
For development: the key of the authority lies beside them, and who trusts the
authority trusts all that anybody makes with it. An authority that is there is
used again; certificates are made anew.

      --out DIR         where they are written; tls by default

Example
  outrigger cert --out tls localhost chat.example.com spiffe://dev/chat
`,
  },
  completion: {
    summary: 'print a script that completes command lines: bash or zsh',
    takes: [],
    help: `outrigger completion bash|zsh

Prints a script that completes commands, options and files.

Examples
  source <(outrigger completion bash)
  outrigger completion zsh > "\${fpath[1]}/_outrigger"
`,
  },
  demo: {
    summary: 'services, a sidecar and traffic on this machine, no file',
    takes: ['log-level'],
    help: `outrigger demo [--log-level LEVEL]

Starts services, a sidecar in front of them and a trickle of traffic on this
machine, and says where to look: HTTP and WebSocket, without TLS and with it.
Its certificate is that of ./tls where outrigger cert made one, so that a
browser can trust it for good; else one of its own. Ctrl-C ends it.
`,
  },
  help: {
    summary: 'more about a command',
    takes: [],
    help: `outrigger help [COMMAND]
`,
  },
};

/** The options of a command as they are written. */
export function optionsOf(command: string): string[] {
  const { takes } = COMMANDS[command]!;
  return [...takes.flatMap((option) => (option === 'config' ? ['-c', '--config'] : [`--${option}`])), '--help'];
}

/** Reads the arguments behind `outrigger`. Throws a {@link UsageError}. */
export function readArguments(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.version) return { command: 'version' };
  const [command = args.length === 0 || values.help ? 'help' : 'run', ...rest] = positionals;
  if (command === 'version') return { command: 'version' };
  if (!Object.hasOwn(COMMANDS, command)) throw new UsageError(unknownCommand(command));
  if (command === 'help' || values.help) return { command: 'help', about: helpAbout(command, rest) };
  const wrong = (message: string) => new UsageError(message, command);
  for (const option of Object.keys(values)) {
    if (!(COMMANDS[command]!.takes as readonly string[]).includes(option))
      throw wrong(`outrigger ${command} takes no --${option}`);
  }
  if (command === 'completion') return { command, shell: shellOf(rest) };
  if (command === 'cert') return { command, out: values.out ?? 'tls', names: rest };
  if (rest.length > 0) {
    const takesFile = COMMANDS[command]!.takes.includes('config');
    throw wrong(`"${rest[0]}" is one argument too many${takesFile ? `; a file is given as -c ${rest[0]}` : ''}`);
  }
  if (command === 'init') return { command };
  const logLevel = levelOf(values['log-level'] ?? 'info');
  if (command === 'demo') return { command, logLevel };
  const source = { file: values.config, listen: values.listen, to: values.to, set: values.set ?? [] };
  if (command === 'schema') return { command, source: source.file === undefined ? undefined : source };
  checkSource(command, source);
  if (command === 'check') return { command, source };
  if (command === 'explain') return { command, source, json: values.json === true };
  return { command: 'run', source, logLevel };
}

function helpAbout(command: string, rest: readonly string[]): string | undefined {
  const about = command === 'help' ? rest[0] : command;
  if (about !== undefined && !Object.hasOwn(COMMANDS, about)) throw new UsageError(unknownCommand(about));
  return about;
}

function unknownCommand(name: string): string {
  const names = Object.keys(COMMANDS);
  const guess = didYouMean(name, names);
  return `there is no command "${name}"; ${guess === undefined ? `there are ${names.join(', ')}` : `did you mean "${guess}"?`}`;
}

function levelOf(level: string): LogLevel {
  const found = LOG_LEVELS.find((one) => one === level);
  if (found === undefined) throw new UsageError(`--log-level is "${level}"; expected one of ${LOG_LEVELS.join(', ')}`);
  return found;
}

function shellOf([shell, ...others]: readonly string[]): (typeof SHELLS)[number] {
  const found = SHELLS.find((one) => one === shell);
  if (found === undefined || others.length > 0)
    throw new UsageError(
      shell === undefined
        ? `outrigger completion needs the name of a shell: ${SHELLS.join(' or ')}`
        : `there is no completion for "${[shell, ...others].join(' ')}"; expected ${SHELLS.join(' or ')}`,
      'completion',
    );
  return found;
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
  const wrong = (message: string) => new UsageError(message, command);
  if (file !== undefined && (listen !== undefined || to !== undefined)) {
    throw wrong('-c FILE and --listen/--to exclude each other');
  }
  if (file === undefined && command !== 'run')
    throw wrong(`outrigger ${command} needs -c FILE; outrigger init writes one`);
  if (file === undefined && listen === undefined && to === undefined) {
    throw wrong('outrigger run needs -c FILE, or --listen ADDR --to ADDR; outrigger init writes a file');
  }
  if (file === undefined && (listen === undefined || to === undefined)) {
    throw wrong(`--${listen === undefined ? 'to' : 'listen'} needs --${listen === undefined ? 'listen' : 'to'}, too`);
  }
}

/** What `outrigger --help` says, or of one command. At most 24 lines of 80 columns. */
export function helpText(about?: string): string {
  if (about !== undefined) return COMMANDS[about]!.help;
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return `Outrigger: the service-mesh sidecar that you program in TypeScript
outrigger COMMAND, which is
${commands.join('\n')}

  -c, --config FILE      YAML or JSON; without a command it is run
      --set PATH=VALUE   override a value of the file; may be repeated
      --log-level LEVEL  debug, info, warn or error
  -h, --help             of a command, too;  -v, --version

Examples
  outrigger init                             # write outrigger.yaml
  outrigger -c outrigger.yaml --set listeners.inbound.bind=127.0.0.1:0
  outrigger run --listen 127.0.0.1:8080 --to 127.0.0.1:3000

Exit codes: 0 clean, 1 failure, 2 usage, 78 bad configuration.
`;
}
