/** A plugin cannot be loaded or composed. The message says which, what is wrong, where, and what to do. */
export class PluginError extends Error {
  /** What the configuration calls it. */
  readonly plugin: string;
  /** Keys at the root of the configuration down to what is wrong, where that is not the plugin's entry. */
  readonly keys: readonly string[] | undefined;

  constructor(plugin: string, message: string, options: ErrorOptions & { readonly keys?: readonly string[] } = {}) {
    super(message, options);
    this.name = 'PluginError';
    this.plugin = plugin;
    this.keys = options.keys;
  }
}
