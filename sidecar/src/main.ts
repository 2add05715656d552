import { readFileSync } from 'node:fs';
import { jsonSchema } from '@outrigger/config';
import { proveDirectIo } from '@outrigger/core';
import { type Command, helpText, readArguments, UsageError } from './arguments.ts';
import { paintProblem, summary } from './check.ts';
import { painter, wantsColours } from './colours.ts';
import { completion } from './completion.ts';
import { ConfigurationError } from './configuration-error.ts';
import { explain } from './explain.ts';
import { explanationText } from './explain-text.ts';
import { FILE, init } from './init.ts';
import { inspect, knownWith } from './inspect.ts';
import { standardError } from './logger.ts';
import { EXIT, run } from './run.ts';

/** Runs the command line; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await perform(readArguments(args));
  } catch (error) {
    if (error instanceof UsageError) {
      const more = error.about === undefined ? 'outrigger --help' : `outrigger help ${error.about}`;
      tell(`outrigger: ${error.message}`, `Try ${more}`);
      return EXIT.usage;
    }
    if (error instanceof ConfigurationError) {
      const paint = painter(wantsColours(process.stderr));
      tell(...error.problems.map((problem) => paintProblem(problem, paint)));
      if (error.problems.length === 1 && error.problems[0]!.endsWith(':1:1: cannot be read: there is no such file'))
        tell('outrigger init writes a commented outrigger.yaml into the current folder');
      return EXIT.configuration;
    }
    throw error;
  }
}

async function perform(command: Command): Promise<number> {
  switch (command.command) {
    case 'cert': {
      // Loaded where it is needed alone: it is the largest library of all.
      const { writeCertificates } = await import('./cert.ts');
      return print(await writeCertificates(command.out, command.names));
    }
    case 'help':
      return print(helpText(command.about));
    case 'version':
      return print(`outrigger ${version()} (Node ${process.versions.node})\n`);
    case 'check': {
      const inspection = await inspect(command.source);
      const paint = painter(wantsColours(process.stderr));
      tell(...inspection.warnings.map((warning) => `${paint('yellow', 'warning:')} ${warning}`));
      return print(`${command.source.file} is valid\n${summary(inspection)}\n`);
    }
    case 'explain': {
      const inspection = await inspect(command.source);
      await proveDirectIo();
      const explanation = explain(inspection);
      if (command.json) return print(`${JSON.stringify(explanation, undefined, 2)}\n`);
      return print(explanationText(explanation, painter(wantsColours(process.stdout))));
    }
    case 'schema':
      return print(`${JSON.stringify(jsonSchema(await knownWith(command.source)), undefined, 2)}\n`);
    case 'init':
      return initHere();
    case 'completion':
      return print(completion(command.shell));
    case 'demo': {
      const { demo } = await import('./demo/demo.ts');
      return exitAfter(await demo(command.logLevel));
    }
    default:
      return exitAfter(await run(command.source, standardError(command.logLevel)));
  }
}

function initHere(): number {
  try {
    if (init(process.cwd()) === undefined) {
      tell(`outrigger: there is an ${FILE} here already; it was left as it is. Remove or rename it first.`);
      return EXIT.failure;
    }
  } catch (error) {
    tell(`outrigger: ${FILE} cannot be written: ${(error as Error).message}`);
    return EXIT.failure;
  }
  return print(`${FILE} is written. Next:
  outrigger check -c ${FILE}                # is it valid?
  outrigger schema > outrigger.schema.json         # completion in your editor
  outrigger -c ${FILE}                      # run it
`);
}

/** On standard output. Whoever reads it may stop reading, as head does. */
function print(text: string): number {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.stdout.write(text);
  // Plugins were loaded, and what they hold open is not waited for.
  return exitAfter(EXIT.clean);
}

function tell(...lines: string[]): void {
  if (lines.length > 0) process.stderr.write(`${lines.join('\n')}\n`);
}

/** Nothing is left to do: what still holds the process (a socket in its last moments, say) is let go. */
function exitAfter(code: number): number {
  setTimeout(() => process.exit(code), 100).unref();
  return code;
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
