/** Runs the command line; resolves to the exit code. */
export async function main(_args: readonly string[]): Promise<number> {
  process.stderr.write('usage: outrigger run -c FILE\n');
  return 2;
}
