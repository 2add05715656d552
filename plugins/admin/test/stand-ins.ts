import type {
  AdminDetails,
  AdminRoute,
  Cluster,
  ComposedPlugin,
  CoreServices,
  ListenerState,
  Logger,
  Reloads,
  Session,
  Sidecar,
} from '@outrigger/core';
import { Composition, OpenSessions, VirtualClock } from '@outrigger/core';
import admin, { type AdminSettings } from '../src/index.ts';

/** A sidecar that says what it is told to say. */
export class SidecarStandIn implements Sidecar {
  state: Sidecar['state'] = 'ready';
  startedAt = 0;
  generation = 3;
  configuration: unknown = { service: { name: 'chat' } };
  provenance: Sidecar['provenance'] = undefined;
  reloads: Reloads = { changed: 2, unchanged: 0, failed: 0 };
  listeners: ListenerState[] = [];
  clusters: Cluster[] = [];
  adminRoutes: readonly AdminRoute[] = [];
  adminDetails: readonly AdminDetails[] = [];
  readonly addresses = new Map<string, string>();
  endsRequested = 0;
  closeCode: number | undefined;

  listenerStates() {
    return this.listeners;
  }
  clusterStates() {
    return this.clusters;
  }
  routes() {
    return [];
  }
  announce(name: string, address: string | undefined): void {
    if (address === undefined) this.addresses.delete(name);
    else this.addresses.set(name, address);
  }
  requestEnd(closeCode?: number): void {
    this.closeCode = closeCode;
    this.endsRequested++;
  }
}

export interface SetUp {
  readonly sidecar: SidecarStandIn;
  readonly clock: VirtualClock;
  readonly logged: string[];
  readonly logger: Logger;
  readonly composition: Composition;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The plugin, composed with the settings that the program gives it. */
export function setUp(settings: AdminSettings, open: readonly Session[] = [], more: readonly AdminRoute[] = []): SetUp {
  const sidecar = new SidecarStandIn();
  const clock = new VirtualClock();
  const logged: string[] = [];
  const logger = {
    level: 'info',
    warn: (message: string) => void logged.push(message),
    error: (message: string) => void logged.push(message),
    child: () => logger,
  } as unknown as Logger;
  const sessions = Object.assign(new OpenSessions(), {
    [Symbol.iterator]: () => open[Symbol.iterator](),
    get: (id: string) => open.find((session) => session.id === id),
  }) as OpenSessions;
  Object.defineProperty(sessions, 'size', { get: () => open.length });
  const services = { clock, logger, sessions, sidecar, connector: { name: 'tcp' } } as unknown as CoreServices;
  const plugin = { plugin: admin, settings, origin: 'test', onError: 'closed', timeout: 1_000 };
  const composition = new Composition([plugin as unknown as ComposedPlugin], services);
  sidecar.adminRoutes = [...composition.adminRoutes, ...more];
  return {
    sidecar,
    clock,
    logged,
    logger,
    composition,
    async start() {
      for (const { value } of composition.lifecycles) await value.start?.();
    },
    async stop() {
      for (const { value } of composition.lifecycles) await value.stop?.();
    },
  };
}
