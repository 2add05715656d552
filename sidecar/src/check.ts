import { parseProblem } from '@outrigger/core';
import type { Paint } from './colours.ts';
import type { Inspection } from './inspect.ts';

/** What `outrigger check` says of a valid configuration, in one line. */
export function summary({ configuration, plugins }: Inspection): string {
  const { listeners, clusters } = configuration;
  const routes = listeners.reduce((sum, listener) => sum + listener.routes.length, 0);
  const own = plugins.filter(({ origin }) => origin !== 'built in').map(({ plugin }) => plugin.name);
  const parts = [
    counted(listeners.length, 'listener'),
    counted(routes, 'route'),
    counted(clusters.length, 'cluster'),
    `${counted(plugins.length - own.length, 'built-in plugin')}${own.length === 0 ? '' : ` and ${own.join(', ')}`}`,
  ];
  return parts.join(', ');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** A problem with its place in bold: `FILE:LINE:COLUMN path: what is wrong`. */
export function paintProblem(problem: string, paint: Paint): string {
  const { origin, path, message } = parseProblem(problem);
  if (origin === undefined) return problem;
  return `${paint('bold', origin)}${path === undefined ? '' : paint('cyan', ` ${path}`)}: ${message}`;
}
