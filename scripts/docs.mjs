// `npm run docs` writes the pages that come from the code: docs/errors.md from the closed list of causes,
// docs/configuration.md and its JSON Schema from the schemas by which configurations are validated. A test says when they are out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationSchemas, describeFormat, jsonSchema, writeValue } from '@outrigger/config';
import { CAUSES, errorCode, isSetting } from '@outrigger/core';
import { knownWith } from '../sidecar/dist/inspect.js';

const root = new URL('../', import.meta.url);

/** The text of each generated page, by its path in the repository. */
export async function pages() {
  const known = await knownWith(undefined, {});
  return new Map([
    ['docs/errors.md', errors()],
    ['docs/configuration.md', configuration(known)],
    ['docs/outrigger.schema.json', `${JSON.stringify(jsonSchema(known), undefined, 2)}\n`],
  ]);
}

function errors() {
  const parts = Object.entries(CAUSES).map(([name, { source, status, closeCode, retryable, doc }]) => {
    const answer = status === 0 ? 'nothing can be answered' : `answered with ${status} while nothing has gone down`;
    const close = closeCode === 0 ? 'an open WebSocket is cut' : `an open WebSocket is closed with ${closeCode}`;
    return `### \`${name}\`\n\n${doc} Source: ${source}; ${answer}; ${close}${retryable ? '; another endpoint may do better' : ''}. Code: \`${errorCode(name)}\`.\n`;
  });
  return `# Errors

Every session and connection ends with one cause of this closed list; it stands in the outcome that \`onSessionEnd\` gets, in
logs and in metrics. Where a plugin ended a session the cause is \`plugin:<name>\`: 500 or 1011, unless the plugin said
otherwise. The sidecar's own answers are plain text that begins with the cause.

This page is written by \`npm run docs\` from [core/src/cause.ts](../core/src/cause.ts).

${parts.join('\n')}`;
}

function configuration({ plugins, balancers, discoveries }) {
  const schemas = configurationSchemas();
  const of = (section) => [
    ['', schemas[section]],
    ...plugins.map(({ plugin }) => [plugin.name, plugin.sections?.[section] ?? {}]),
  ];
  const discovered = [...discoveries].map(([name, schema]) => ['', { [name]: schema ?? {} }]);
  const settings = plugins
    .filter(({ plugin }) => Object.keys(plugin.config ?? {}).length > 0)
    .map(({ plugin }) => `### \`${plugin.name}\`\n\n${table([['', plugin.config]])}`);
  const policies = [...balancers].map(([name, schema]) => {
    const rows = Object.keys(schema ?? {}).length > 0 ? `\n\n${table([['', schema]])}` : ' No settings.';
    return `### \`${name}\`\n\n\`balancer: ${name}\`, or \`balancer: { policy: ${name} }\` with its settings beside it.${rows}`;
  });
  return `# Configuration

\`\`\`yaml
${readFileSync(new URL('examples/everything.yaml', root), 'utf8').trimEnd()}
\`\`\`

The file is [examples/everything.yaml](../examples/everything.yaml). JSON will do as well. \`outrigger init\` writes a file to
begin with, \`outrigger check -c FILE\` tells every problem at once, \`outrigger explain -c FILE\` shows what a file does and where
each value came from, and \`outrigger schema > outrigger.schema.json\` makes editors complete and check it, where the file begins
with \`# yaml-language-server: $schema=outrigger.schema.json\`.

This page is written by \`npm run docs\` from the schemas by which files are validated. Keys that belong to a plugin name it.

## The whole

${table(of('root'))}

## A listener

\`listeners:\` is a map of names to these. Two listeners, the admin page and the probes cannot have one address, nor \`0.0.0.0\`
beside another IPv4 address of the same port, nor \`[::]\` or \`*\` beside any.

${table(of('listener'))}

## A route

Of the routes that fit a request one is taken: an exact host before the longest wildcard, before none; an exact path before the
longest prefix, before none; then more conditions; then the order of the file. Where none fits, the answer is 404.

${table(of('route'))}

## A cluster

${table(of('cluster'))}

## An endpoint

An item of \`endpoints:\` is an address, or a map:

${table(of('endpoint'))}

## Discoveries

${table(discovered)}

## Policies

${policies.join('\n\n')}

## An entry of \`plugins:\`

A name, a map of one name to its settings, or the long form:

${table([['', schemas.plugin]])}

Built-in plugins are always there, in this order: ${plugins.map(({ plugin }) => plugin.name).join(', ')}. An entry gives
one its settings and does not move it. Plugins of your own follow in the order of the list.

${settings.join('\n\n')}

## Formats

| format | written | what it is |
|---|---|---|
| duration | \`500ms\` \`25s\` \`2m\` \`1h\` \`off\` | a time; never a plain number |
| size | \`512B\` \`64KiB\` \`4MiB\` \`1GiB\`, or a number | bytes |
| rate | \`1/s\` \`10/m\` \`5/h\`, or a number | events per second |
| ratio | \`0.1\` | a number from 0 to 1 |
| address | \`127.0.0.1:80\` \`name:80\` \`[::1]:80\` \`unix:/path\`; to listen on, \`:80\` or \`*:80\`, too | |
| network | \`10.0.0.0/8\` \`fd00::/8\` | a range of addresses (CIDR) |
| path | \`tls/a.crt\` | a file that can be read; relative to the configuration's folder |
| text | \`chat\` \`"5"\` | what looks like a number needs quotes |

## Variables

| written | becomes |
|---|---|
| \`\${NAME}\` | the environment variable; it is a problem where that is not set |
| \`\${NAME:-default}\` | the default, where it is not set or empty |
| \`$\${\` | a literal \`\${\` |

They stand in values, not in names, and never become more than one value. Within \`{ }\` and \`[ ]\` they need quotes.

## Precedence

A default gives way to the file, the file to the environment (where a key names a variable), the environment to a flag:
\`--set PATH=VALUE\`, such as \`--set drain.timeout=1m\`, \`--set 'clusters."a.b".endpoints[0]=b:80'\`. A list takes its indexes and the one
after. \`OTEL_*\` variables are read as OpenTelemetry specifies, and override the file.

Secrets are masked wherever a configuration is shown: in \`explain\`, in the admin page, in problems.
`;
}

/** One row for each setting; the third column is there where plugins add keys. */
function table(parts) {
  const rows = parts.flatMap(([owner, schema]) => rowsOf(schema, '').map((row) => [...row, owner]));
  const owned = rows.some((row) => row[4] !== '');
  const line = (cells) => `| ${(owned ? cells : cells.slice(0, 4)).join(' | ')} |`;
  return [
    line(['key', 'format', 'default', 'what it is', 'plugin']),
    line(['---', '---', '---', '---', '---']),
    ...rows.map((row) => line(row)),
  ].join('\n');
}

/** What the schema leaves to the program. */
const FORMATS = {
  listeners: 'names, each with [a listener](#a-listener)',
  clusters: 'names, each with [a cluster](#a-cluster)',
  plugins: 'a list of [entries](#an-entry-of-plugins)',
  routes: 'a list of [routes](#a-route)',
  endpoints: 'a list of [endpoints](#an-endpoint)',
  discovery: 'one name with its settings: [discoveries](#discoveries)',
  balancer: 'a name, or a map with policy: [policies](#policies)',
  settings: 'a map',
  address: 'address',
  weight: '1 to 256',
  choices: 'whole number from 2, or `all`',
  capacity: 'whole number from 1',
  balanceFactor: 'number above 1',
};

function rowsOf(schema, prefix) {
  return Object.entries(schema).flatMap(([key, child]) => {
    const path = `${prefix}${key}`;
    return isSetting(child) ? settingRows(child, path) : rowsOf(child, `${path}.`);
  });
}

function settingRows(setting, path) {
  const { doc, env, sensitive, optional, format, max } = setting;
  const byDefault =
    setting.default === undefined ? (optional ? '' : 'needed') : code(writeValue(setting.default, format));
  const most = max !== undefined && `At most ${code(writeValue(max, format))}.`;
  const told = [doc, most, env && `Environment: \`${env}\`.`, sensitive && 'Masked.'].filter((part) => part).join(' ');
  const number = isOpen(format) && typeof setting.default === 'number' ? 'number' : undefined;
  const described = (isOpen(format) && FORMATS[path]) || number || formatOf(format);
  return [[code(path), described, byDefault, cell(told)], ...children(format, path)];
}

const WORDS = {
  any: 'anything',
  cidr: 'network',
  int: 'whole number',
  nat: 'whole number, 0 or more',
};

/** Whether the schema itself does not say what fits. */
function isOpen(format) {
  return format === 'any' || (typeof format === 'function' && ![String, Number, Boolean].includes(format));
}

function formatOf(format) {
  if (format !== 'any' && isOpen(format)) return 'text';
  if (Array.isArray(format)) return format.map((value) => code(value)).join(', ');
  if (typeof format === 'string') return WORDS[format] ?? format;
  if (typeof format === 'object' && 'list' in format)
    return `a list of ${formatOf(format.list)}${Array.isArray(format.list) ? '' : 's'}`;
  if (typeof format === 'object' && 'map' in format) return `names, each with ${formatOf(format.map)}`;
  if (typeof format === 'object' && 'oneOf' in format) return format.oneOf.map(formatOf).join(', or ');
  return typeof format === 'object' ? 'a map' : cell(describeFormat(format));
}

/** Settings within a list, a map or one of several forms. */
function children(format, path) {
  if (typeof format !== 'object' || Array.isArray(format)) return [];
  if ('list' in format) return children(format.list, `${path}[]`);
  if ('map' in format) return children(format.map, `${path}.*`);
  if ('oneOf' in format) return format.oneOf.flatMap((one) => children(one, path));
  return rowsOf(format, `${path}.`);
}

function code(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `\`${cell(text)}\``;
}

function cell(text) {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await pages()) writeFileSync(new URL(path, root), text);
}
