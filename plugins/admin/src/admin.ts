import type { IncomingMessage } from 'node:http';
import { ADMIN_BIND, type AdminRoute, type Clock, type Lifecycle, type Logger, type Sidecar } from '@outrigger/core';
import { AddressInUse, type Held, holdAddress } from './held-address.ts';
import { OpenReplies } from './open-replies.ts';
import { isLocal, isOwnHost } from './own-host.ts';
import { answer } from './request-handler.ts';
import { readToken, saysToken, type Token, type TokenSettings } from './token.ts';

/** The file's `admin:` and `probes:`. */
export interface AdminSettings {
  readonly admin?: ({ readonly bind: string } & TokenSettings) | false;
  readonly probes?: { readonly bind: string } | false;
}

/** What the address for probes serves. */
const PROBES = new Set(['/livez', '/readyz']);

/** The two addresses, from the start to the end of the plugin. */
export class Admin implements Lifecycle {
  readonly #settings: AdminSettings;
  readonly #sidecar: Sidecar;
  readonly #logger: Logger;
  readonly #byDefault: string;
  readonly #held = new Map<string, Held>();
  readonly #replies: OpenReplies;
  #token: Token | undefined;

  /** `byDefault`: where a sidecar is that was not told, and gives way. */
  constructor(settings: AdminSettings, sidecar: Sidecar, logger: Logger, clock: Clock, byDefault = ADMIN_BIND) {
    this.#settings = settings;
    this.#sidecar = sidecar;
    this.#logger = logger;
    this.#replies = new OpenReplies(clock);
    this.#byDefault = byDefault;
    const { admin } = settings;
    if (admin && !isLocal(admin.bind) && !saysToken(admin)) {
      logger.warn(
        `other machines reach the admin address ${admin.bind}, and may end sessions and the sidecar: set admin.token or admin.tokenFile, or bind it to 127.0.0.1`,
      );
    }
  }

  async start(): Promise<void> {
    const { admin, probes } = this.#settings;
    if (admin) {
      this.#token = readToken(admin);
      await this.#hold('admin', admin.bind, () => this.#sidecar.adminRoutes, isOwnHost(admin.bind));
    }
    if (probes) {
      const few = () => this.#sidecar.adminRoutes.filter(({ path }) => PROBES.has(path));
      await this.#hold('probes', probes.bind, few, () => true);
    }
  }

  /** The file of the token may say another one by now. */
  reload(): void {
    const { admin } = this.#settings;
    if (!admin) return;
    try {
      this.#token = readToken(admin);
    } catch (error) {
      this.#logger.error('the admin token stays as it was', { error: (error as Error).message });
    }
  }

  async stop(): Promise<void> {
    await this.#replies.end();
    for (const [name, held] of this.#held) {
      // A reload may have handed the address on to another instance of this plugin, which has announced it by now.
      if (held.release()) this.#sidecar.announce(name, undefined);
    }
  }

  async #hold(
    name: string,
    bind: string,
    routes: () => readonly AdminRoute[],
    allowedHost: (host: string) => boolean,
  ): Promise<void> {
    const hasToken = ({ headers }: IncomingMessage) => this.#token?.isIn(headers.authorization) ?? true;
    try {
      const held = await holdAddress(name, bind, (request, response) =>
        answer(request, response, { routes: routes(), replies: this.#replies, allowedHost, hasToken }),
      );
      this.#held.set(name, held);
      this.#sidecar.announce(name, held.address);
    } catch (error) {
      // Several sidecars on one machine, none of which was told where: the first has it, and traffic matters more.
      if (!(error instanceof AddressInUse) || bind !== this.#byDefault) throw error;
      this.#logger.error(`no ${name} address: ${error.message}; set ${name}.bind, or ${name}: false`);
    }
  }
}
