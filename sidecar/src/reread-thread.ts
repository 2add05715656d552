import { parentPort, workerData } from 'node:worker_threads';
import { ConfigurationError } from './configuration-error.ts';
import { inspect } from './inspect.ts';
import { takeApart } from './pieces.ts';
import type { RereadAnswer, RereadTask } from './reread.ts';

// A thread that reads one configuration: see reread.ts.

const { source, port } = workerData as RereadTask;
let answer: RereadAnswer;
try {
  const { configuration, document } = await inspect(source);
  for (const piece of takeApart(configuration)) port.postMessage(piece);
  answer = { directory: document.directory };
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  answer = { problems: error.problems };
}
parentPort!.postMessage(answer);
