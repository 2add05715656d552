import type { Plugin } from '@outrigger/core';
import discovery from '@outrigger/discovery';
import http from '@outrigger/http';
import routing from '@outrigger/routing';
import scheduling from '@outrigger/scheduling';

/**
 * The plugins that are always there, in their fixed order: they come before those of the file, and an entry in `plugins:`
 * gives one of them its settings without moving it.
 */
export const builtIn: readonly Plugin[] = [discovery, scheduling, routing, http] as readonly Plugin[];
