import { readFileSync } from 'node:fs';
import { HELP, readArguments, UsageError } from './arguments.ts';
import { ConfigurationError, load } from './load.ts';
import { standardError } from './logger.ts';
import { EXIT, run } from './run.ts';

/** Runs the command line; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const command = readArguments(args);
    switch (command.command) {
      case 'help':
        process.stdout.write(HELP);
        return EXIT.clean;
      case 'version':
        process.stdout.write(`outrigger ${version()} (Node ${process.versions.node})\n`);
        return EXIT.clean;
      case 'check':
        await load(command.source);
        process.stdout.write(`${command.source.file} is valid\n`);
        return EXIT.clean;
      case 'demo': {
        const { demo } = await import('./demo/demo.ts');
        return exitAfter(await demo(command.logLevel));
      }
      default:
        return exitAfter(await run(command.source, standardError(command.logLevel)));
    }
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`outrigger: ${error.message}\nTry outrigger --help\n`);
      return EXIT.usage;
    }
    if (error instanceof ConfigurationError) {
      process.stderr.write(`${error.problems.join('\n')}\n`);
      return EXIT.configuration;
    }
    throw error;
  }
}

/** Nothing is left to do: what still holds the process (a socket in its last moments, say) is let go. */
function exitAfter(code: number): number {
  setTimeout(() => process.exit(code), 100).unref();
  return code;
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
