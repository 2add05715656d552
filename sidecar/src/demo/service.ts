import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A service of the demo, in a process of its own. */
export interface Service {
  readonly name: string;
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Whatever it sends from now on goes to `other`: how two instances of the chat share what is said. */
  linkTo(other: Service): void;
  tell(message: object): void;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

/** Starts `module` (a file beside this one) as a child that tells its port; it ends by itself when this process goes. */
export async function startService(name: string, module: string, died: (name: string) => void): Promise<Service> {
  const path = fileURLToPath(new URL(`${module}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
  const child = fork(path, [name], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true });
  const exited = once(child, 'exit');
  let stopping = false;
  void exited.then(() => {
    if (!stopping) died(name);
  });
  const [port] = (await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error(`the demo's service ${name} did not start`);
    }),
  ])) as [number];
  return {
    name,
    address: `127.0.0.1:${port}`,
    linkTo(other) {
      child.on('message', (message: object) => other.tell(message));
    },
    tell(message) {
      if (child.connected) child.send(message);
    },
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      await exited;
    },
  };
}
