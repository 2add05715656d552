// The sidecar as it is built in, as a process of its own: its heap can be measured. Its parent is soak-processes.ts.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Logger, Runtime } from '@outrigger/core';
import { inspect } from '../../../sidecar/src/inspect.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const quiet = { debug() {}, info() {}, warn() {}, error: console.error, child: () => quiet, level: 'error' } as Logger;

const { configuration, plugins } = await inspect({ file: process.argv[2]!, set: [] }, {});
const runtime = new Runtime({ configuration, plugins, logger: quiet });
await runtime.start();

process.on('message', () => {
  gc();
  gc();
  const { heapUsed, rss } = process.memoryUsage();
  process.send!({ heapUsed, rss, sessions: runtime.sessions.size, cpuMs: process.cpuUsage().user / 1_000 });
});
process.on('disconnect', () => process.exit());
process.send!({ port: runtime.listeners.get('inbound')!.address.port });
