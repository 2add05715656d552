import { basename } from 'node:path';
import type { ConfiguredValue } from '@outrigger/core';
import type { Paint } from './colours.ts';
import type { ExplainedHook, ExplainedListener, Explanation } from './explain.ts';
import type { ShownMatch } from './route-order.ts';

const WIDTH = 80;

/** An explanation for people, at most 80 columns wide where no single name or value is longer. */
export function explanationText(explanation: Explanation, paint: Paint): string {
  const { file, reads, plugins, listeners, clusters, values, environment, warnings } = explanation;
  const heading = (text: string) => ['', paint('bold', text)];
  const nameWidth = Math.max(...plugins.map(({ name }) => name.length), 8) + 2;
  const lines = [
    paint('bold', file),
    ...warnings.flatMap((warning) => wrap(warning, `${paint('yellow', 'warning:')} `, '         ')),
    ...heading('Plugins, in the order in which they are composed'),
    ...plugins.flatMap(({ name, origin, onError, timeout, listeners: seen, provides, hooks }, index) => {
      const facts = [
        origin,
        ...(onError === 'open' ? ['onError: open'] : []),
        ...(timeout === '10s' ? [] : [`timeout: ${timeout}`]),
        ...(seen === undefined ? [] : [`listeners: ${seen.join(', ')}`]),
        ...provides,
        ...(hooks.length === 0 ? [] : [`hooks: ${hooks.join(', ')}`]),
      ];
      const indent = ' '.repeat(5 + nameWidth);
      return wrap(facts.join('; '), `${String(index + 1).padStart(3)}  ${name.padEnd(nameWidth)}`, indent);
    }),
    ...listeners.flatMap((listener, index) => [
      ...heading(`Listener ${listener.name}`),
      ...listenerLines(listener, listeners.slice(0, index)),
    ]),
    ...clusters.flatMap(({ name, policy, connector, connectorDetails, discovery, endpoints }) => [
      ...heading(`Cluster ${name}`),
      `  ${policy}, over ${connector}; endpoints from ${discovery}`,
      ...connectorDetails.flatMap((line) => wrap(line, '    ', '      ')),
      ...endpoints.map(({ address, weight }) => `    ${address}${weight === 1 ? '' : `  weight ${weight}`}`),
      ...(discovery === 'the list in the file' && endpoints.length === 0
        ? ['    none: everything is answered 503']
        : []),
    ]),
    ...heading('Values, and where each came from'),
    ...values.flatMap((value) => valueLines(value, file, paint)),
    ...(environment.length === 0
      ? []
      : [
          ...heading('Variables of OpenTelemetry that are set; they override the file'),
          ...wrap(environment.join(', '), '  ', '  '),
        ]),
    ...heading('Reading'),
    ...wrap(reads, '  ', '  '),
  ];
  return `${lines.join('\n')}\n`;
}

function listenerLines(listener: ExplainedListener, earlier: readonly ExplainedListener[]): string[] {
  const { bind, protocol, transport, transportDetails, direction, hooks, routes } = listener;
  const same = earlier.find((other) => JSON.stringify(other.hooks) === JSON.stringify(hooks));
  const none = hooks.towardsUpstream.length + hooks.back.length === 0;
  return [
    `  ${bind} (${transport}), ${protocol}, ${direction}`,
    ...transportDetails.flatMap((line) => wrap(line, '    ', '      ')),
    ...(none
      ? ['  Hooks: none']
      : same !== undefined
        ? [`  Hooks: as of listener ${same.name}`]
        : [...hookLines('Hooks towards upstream', hooks.towardsUpstream), ...hookLines('Hooks back', hooks.back)]),
    '  Routes, in the order in which they match',
    ...routes.flatMap(({ match, cluster }, index) =>
      wrap(`${matchText(match)} → ${cluster}`, `${String(index + 1).padStart(5)}  `, '       '),
    ),
  ];
}

function hookLines(title: string, hooks: readonly ExplainedHook[]): string[] {
  if (hooks.length === 0) return [];
  const lines = hooks.map(({ hook, plugins }) => wrap(plugins.join(' → '), `    ${hook.padEnd(14)}`, ' '.repeat(18)));
  return [`  ${title}`, ...lines.flat()];
}

function matchText({ host, path, method, headers = {} }: ShownMatch): string {
  const conditions = [
    ...(method === undefined ? [] : [method]),
    ...(host === undefined ? [] : [host]),
    ...(path === undefined ? [] : [path.startsWith('=') ? `${path.slice(1)} exactly` : path]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return conditions.length === 0 ? 'everything' : conditions.join(', ');
}

function valueLines({ path, value, origin }: ConfiguredValue, file: string, paint: Paint): string[] {
  const where = origin.startsWith(`${file}:`) ? basename(file) + origin.slice(file.length) : origin;
  const told = where === 'default' ? paint('dim', where) : where;
  const left = `  ${path}: ${typeof value === 'string' && !/^[\s]|[\s]$|^$/.test(value) ? value : JSON.stringify(value)}`;
  const gap = WIDTH - left.length - where.length;
  if (gap >= 2) return [`${left}${' '.repeat(gap)}${told}`];
  return [left, `${' '.repeat(Math.max(2, WIDTH - where.length))}${told}`];
}

/** Breaks a text between words; a word longer than the line stays whole. */
function wrap(text: string, first: string, indent: string): string[] {
  const lines: string[] = [];
  let line = first;
  // Escape sequences have no width.
  const widthOf = (part: string) => part.replaceAll(/\x1b\[\d+m/g, '').length;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && widthOf(line) + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
