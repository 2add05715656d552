import type { BindToFluentSyntax, ServiceIdentifier } from 'inversify';
import type { Schema } from './schema.ts';

/** Declares one contribution: `bind(ConnectionHooks).toConstantValue({ … })`. Inversify's, for tokens of any package. */
export type Bind = <T>(token: ServiceIdentifier<T>) => BindToFluentSyntax<T>;

/** A plugin is a plain object: a name, what it may be told, and what it contributes. */
export interface Plugin<C = Record<string, unknown>> {
  /** Unique; what `plugins:`, `before`, `after`, logs and metrics call it. Lower case, digits, hyphens; a scope is allowed. */
  readonly name: string;
  /** Its settings; validated before `bind` is called. */
  readonly config?: Schema<C>;
  /** Keys that it adds to listeners, routes, clusters and endpoints. */
  readonly sections?: {
    readonly listener?: Schema;
    readonly route?: Schema;
    readonly cluster?: Schema;
    readonly endpoint?: Schema;
  };
  /** Names of plugins that this one must come before, or after, whatever the list says. Absent ones are ignored. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /**
   * Declares contributions. Called once per composition, before anything is resolved. Neither it nor the factories that it
   * binds may have effects (open a socket, start a timer): a configuration that is only checked, or not taken on in the end, is
   * composed, too. Begin in the `init` or `start` of a {@link Lifecycle}.
   */
  bind(bind: Bind, config: C): void;
}

/** Gives a plugin's object literal its types. */
export function definePlugin<C extends object = Record<string, unknown>>(plugin: Plugin<C>): Plugin<C> {
  return plugin;
}
