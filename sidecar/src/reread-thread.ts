import { parentPort, workerData } from 'node:worker_threads';
import { ConfigurationError } from './configuration-error.ts';
import { inspect } from './inspect.ts';
import { takeApart } from './pieces.ts';
import { packProvenance } from './provenance.ts';
import type { RereadAnswer, RereadNews, RereadTask } from './reread.ts';

// A thread that reads one configuration: see reread.ts.

/** As Node ends where nothing is left that could settle an await at the top of a module. */
const UNSETTLED = 13;

const { source, port } = workerData as RereadTask;
// A plugin awaits what never comes: the parent tells of it. Node would warn of the await below, which is not to blame, between
// the lines of the log. (That await stays at the top: Node 24.21 ended with a fatal error of V8 where the thread was terminated
// while an async function of a module that had been evaluated still loaded a plugin.)
const unsettled = () => process.exit(process.exitCode ?? UNSETTLED);
process.once('beforeExit', unsettled);
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
process.off('beforeExit', unsettled);
parentPort!.postMessage(answer);
