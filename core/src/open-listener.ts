import type { CoreServices } from './composition.ts';
import type { ListenerSpec } from './configuration.ts';
import { Listener } from './listener.ts';
import { PluginError } from './plugin-error.ts';
import type { RunningComposition } from './running-composition.ts';
import type { Protocol, Scope, Transport } from './transport.ts';

/** A listener with the composition that its next connection goes to: a reload gives it another while it accepts. */
export class OpenListener {
  readonly listener: Listener;
  #spec: ListenerSpec;
  #running: RunningComposition;
  readonly #protocols: Map<string, Protocol>;

  constructor(spec: ListenerSpec, running: RunningComposition, { logger, descriptors }: CoreServices) {
    this.#spec = spec;
    this.#running = running;
    this.#protocols = new Map(running.protocols);
    const current: Transport = {
      name: 'tls',
      secure: (socket, listener) => transportOf(this.#running).secure(socket, listener),
    };
    this.listener = new Listener({
      spec,
      transport: spec.protocol === 'https' ? current : undefined,
      protocols: this.#protocols,
      logger,
      metrics: running.composition.metrics,
      descriptors,
    });
  }

  /** Whether `spec` is this listener with other routes or settings: then it goes on accepting. */
  continues(spec: ListenerSpec): boolean {
    const { name, bind, protocol, direction } = this.#spec;
    return name === spec.name && bind === spec.bind && protocol === spec.protocol && direction === spec.direction;
  }

  get bind(): string {
    return this.#spec.bind;
  }

  /** From the next session on `scope` holds, from the next connection on the protocols and the transport of `running`. */
  adopt(spec: ListenerSpec, running: RunningComposition, scope: Omit<Scope, 'listener'>): void {
    this.#spec = spec;
    this.#running = running;
    this.#protocols.clear();
    for (const [name, protocol] of running.protocols) this.#protocols.set(name, protocol);
    this.listener.scope = { ...scope, listener: { ...this.listener.info, settings: spec.settings } };
  }
}

/** Throws a PluginError where a listener asks for what no plugin provides. */
export function checkListener(spec: ListenerSpec, { composition }: RunningComposition): void {
  const wrong = (what: string) => new PluginError(spec.protocol, `listener ${spec.name}: no plugin provides ${what}`);
  if (composition.routerFactory === undefined) throw wrong('a RouterFactory; load the routing plugin');
  if (spec.protocol === 'https') {
    if (!composition.transports.has('tls')) throw wrong('TLS, which protocol: https needs; load the https plugin');
  } else if (!composition.protocols.has('http/1.1'))
    throw wrong('the protocol http/1.1, which protocol: http needs; load the http plugin');
}

function transportOf({ composition }: RunningComposition): Transport {
  return composition.transports.get('tls')!;
}
