import type { ServiceIdentifier } from 'inversify';
import type { ComposedPlugin } from './composition.ts';
import type { Lifecycle } from './lifecycle.ts';

/**
 * One plugin at work: its contributions are made once, whatever compositions they are part of. A reload carries it over
 * where its code and its settings are the same, and so is everything that it injects.
 */
export class PluginInstance {
  readonly plugin: ComposedPlugin['plugin'];
  readonly settings: ComposedPlugin['settings'];
  /** What it contributes to, with how many contributions. */
  readonly contributes = new Map<ServiceIdentifier<unknown>, number>();
  /** What its contributions are given. */
  readonly injects = new Set<ServiceIdentifier<unknown>>();
  /** Bindings that look things up by themselves, so that nobody knows what they depend on. */
  untold = 0;
  /** Its lifecycles whose `init` was called: those are drained and stopped. */
  readonly begun: Lifecycle[] = [];
  stopped = false;

  constructor({ plugin, settings }: ComposedPlugin) {
    this.plugin = plugin;
    this.settings = settings;
  }

  get name(): string {
    return this.plugin.name;
  }
}
