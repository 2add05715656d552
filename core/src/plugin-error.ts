/** A plugin cannot be loaded or composed. The message says which, what is wrong, where, and what to do. */
export class PluginError extends Error {
  /** What the configuration calls it. */
  readonly plugin: string;

  constructor(plugin: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PluginError';
    this.plugin = plugin;
  }
}
