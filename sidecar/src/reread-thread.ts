import { parentPort, workerData } from 'node:worker_threads';
import { ConfigurationError } from './configuration-error.ts';
import { inspect } from './inspect.ts';
import { takeApart } from './pieces.ts';
import { packProvenance } from './provenance.ts';
import type { RereadAnswer, RereadNews, RereadTask } from './reread.ts';

// A thread that reads one configuration: see reread.ts.

const { source, port } = workerData as RereadTask;
let answer: RereadAnswer;
try {
  const inspection = await inspect(source, process.env, (loading) =>
    parentPort!.postMessage({ loading } satisfies RereadNews),
  );
  for (const piece of takeApart(inspection.configuration)) port.postMessage(piece);
  answer = { directory: inspection.document.directory, provenance: packProvenance(inspection) };
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  answer = { problems: error.problems };
}
parentPort!.postMessage(answer);
