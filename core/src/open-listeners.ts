import type { CoreServices } from './composition.ts';
import type { ListenerSpec } from './configuration.ts';
import type { ListenerInfo } from './connection.ts';
import type { Generation } from './generation.ts';
import { Listener } from './listener.ts';
import type { ListenerState } from './sidecar.ts';

/** The listeners that accept, by name, and those that a reload has taken away, while connections of theirs are open. */
export class OpenListeners {
  readonly #services: CoreServices;
  readonly #accepting = new Map<string, Listener>();
  readonly #leaving = new Set<Listener>();
  #closed = false;

  constructor(services: CoreServices) {
    this.#services = services;
  }

  /** Those that accept. */
  get infos(): ReadonlyMap<string, ListenerInfo> {
    return new Map([...this.#accepting].map(([name, { info }]) => [name, info]));
  }

  states(): readonly ListenerState[] {
    return this.#all().map(({ info, connections, scope }) => ({
      ...info,
      connections,
      state: scope.draining ? 'draining' : 'accepting',
    }));
  }

  /** One that accepts from now on. It is the caller's until it is among these: by {@link add} or {@link replace}. */
  async open(spec: ListenerSpec, { running, scopes }: Generation): Promise<Listener> {
    const listener = new Listener(spec, running, this.#services);
    const address = await listener.listen(scopes.get(spec.name)!);
    if (this.#closed) {
      listener.destroy();
      throw new Error('stopped while it was starting');
    }
    this.#services.logger.debug('listening', { listener: spec.name, address });
    return listener;
  }

  add(listener: Listener): void {
    this.#accepting.set(listener.info.name, listener);
  }

  /** The one that already accepts where `spec` wants to. */
  continued(spec: ListenerSpec): Listener | undefined {
    for (const listener of this.#accepting.values()) if (listener.continues(spec)) return listener;
    return undefined;
  }

  /** Goes over to a generation, with those `opened` for it. What it does not have begins to drain, and is returned. */
  replace({ configuration, running, scopes }: Generation, opened: ReadonlyMap<string, Listener>): readonly Listener[] {
    const next = configuration.listeners.map((spec) => {
      const continued = this.continued(spec);
      continued?.adopt(spec, running, scopes.get(spec.name)!);
      return continued ?? opened.get(spec.name)!;
    });
    const kept = new Set(next);
    const gone = [...this.#accepting.values()].filter((listener) => !kept.has(listener));
    this.#accepting.clear();
    for (const listener of next) this.add(listener);
    for (const listener of gone) {
      this.#leaving.add(listener);
      listener.startDrain();
    }
    return gone;
  }

  /** Those of one direction accept no more. */
  startDrain(direction: ListenerInfo['direction']): void {
    for (const listener of this.#all()) if (listener.info.direction === direction) listener.startDrain();
  }

  /** Forgets those that are gone and have no connection; false where there is still one. */
  forgetEmpty(): boolean {
    for (const listener of this.#leaving) if (listener.connections === 0) this.#leaving.delete(listener);
    return this.#leaving.size === 0;
  }

  /** Accepts no more and cuts what is open; resolves when plugins have heard of every end, after `ms` at the latest. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    const listeners = this.#all();
    for (const listener of listeners) listener.destroy();
    if (listeners.every(({ connections }) => connections === 0)) return;
    const late = Promise.withResolvers<void>();
    const timer = this.#services.clock.after(ms, late.resolve);
    await Promise.race([Promise.all(listeners.map((listener) => listener.drained())), late.promise]);
    timer[Symbol.dispose]();
  }

  #all(): readonly Listener[] {
    return [...this.#accepting.values(), ...this.#leaving];
  }
}
