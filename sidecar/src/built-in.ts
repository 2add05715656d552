import type { Plugin } from '@outrigger/core';
import discovery from '@outrigger/discovery';
import http from '@outrigger/http';
import routing from '@outrigger/routing';
import scheduling from '@outrigger/scheduling';
import { tracing } from '@outrigger/tracing';

/**
 * The plugins that are always there, in their fixed order: they come before those of the file, and an entry in `plugins:`
 * gives one of them its settings without moving it. `serviceName` is asked when they are composed.
 */
export function builtInPlugins(serviceName: () => string): readonly Plugin[] {
  return [discovery, scheduling, routing, http, tracing({ serviceName })] as readonly Plugin[];
}
