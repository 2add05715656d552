import type { ClusterRegistry } from './cluster-registry.ts';
import type { ClusterSpec, Configuration } from './configuration.ts';
import { checkListener } from './listener.ts';
import { PluginError } from './plugin-error.ts';
import type { RunningComposition } from './running-composition.ts';

/** Throws what can be told to be wrong with a configuration before any plugin begins: what it names that nobody provides. */
export function checkConfiguration(
  configuration: Configuration,
  running: RunningComposition,
  registry: ClusterRegistry,
): void {
  registry.check(configuration.clusters, running.composition);
  const clusters = new Set(configuration.clusters.map(({ name }) => name));
  for (const spec of configuration.clusters) {
    if (spec.settings['tls'] !== undefined) checkTls(spec, running);
  }
  for (const spec of configuration.listeners) {
    checkListener(spec, running);
    for (const { cluster } of spec.routes) {
      if (!clusters.has(cluster)) throw new Error(`listener ${spec.name}: there is no cluster "${cluster}"`);
    }
  }
}

/** Throws a PluginError where the connector cannot do what a cluster's `tls:` says. */
function checkTls(spec: ClusterSpec, { composition }: RunningComposition): void {
  try {
    composition.connectors.get('tls')?.check?.(spec);
  } catch (error) {
    throw new PluginError('https', `cluster ${spec.name}: ${(error as Error).message}`, { cause: error });
  }
}
