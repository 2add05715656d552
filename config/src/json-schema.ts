import { type Format, isSetting, type Schema, type Setting } from '@outrigger/core';
import { endpointAddress, endpointWeight, rootSchema } from './core-schema.ts';
import { isFormatOnly, writeValue } from './formats.ts';
import { pluginEntrySchema } from './plugin-entry.ts';
import { type Known, sectionsOf } from './validate.ts';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * The JSON Schema of configurations, from the same schemas by which they are validated, with the settings and sections of
 * `known.plugins`. What it refuses is not valid; what needs more than a schema (names of clusters, addresses in use) passes
 * it. Wherever a scalar belongs, a text with `${NAME}` does, too.
 */
export function jsonSchema(known: Known): JsonSchema {
  const sections = sectionsOf(known.plugins, () => {});
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of Outrigger',
    ...object(rootSchema, {
      listeners: { ...mapOf({ $ref: '#/$defs/listener' }), type: 'object', minProperties: 1 },
      clusters: mapOf({ $ref: '#/$defs/cluster' }),
      plugins: { type: ['array', 'null'], items: { $ref: '#/$defs/plugin' } },
    }),
    required: ['listeners'],
    $defs: {
      ...SCALARS,
      listener: {
        ...object(sections.listener, {
          protocol: anyOf({ enum: known.protocols ?? ['http'] }, VARIABLE),
          routes: { type: 'array', items: { $ref: '#/$defs/route' } },
        }),
        type: 'object',
        oneOf: [{ required: ['cluster'] }, { required: ['routes'] }],
      },
      route: object(sections.route),
      cluster: {
        ...object(sections.cluster, {
          endpoints: {
            type: 'array',
            items: {
              if: { type: 'object' },
              // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
              then: { $ref: '#/$defs/endpoint' },
              else: ENDPOINT,
            },
          },
          discovery: discovery(known),
          balancer: balancer(known),
        }),
        type: 'object',
        oneOf: [{ required: ['endpoints'] }, { required: ['discovery'] }],
      },
      endpoint: object(sections.endpoint),
      plugin: plugin(known),
    },
  };
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: this is how configurations write variables
const REFERENCE = '\\$\\{';
const PORT = '(\\d{1,4}|[0-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])';

const VARIABLE: JsonSchema = { $ref: '#/$defs/variable' };
const ENDPOINT: JsonSchema = { $ref: '#/$defs/endpointAddress' };

/** The formats that one scalar fills, by their names; `variable` is what may stand for each. */
const SCALARS: Readonly<Record<string, JsonSchema>> = {
  variable: { type: 'string', pattern: REFERENCE, description: '${NAME} or ${NAME:-default}' },
  number: orVariable({ type: 'number' }),
  boolean: orVariable({ type: 'boolean' }),
  int: orVariable({ type: 'integer' }),
  nat: orVariable({ type: 'integer', minimum: 0 }),
  port: orVariable({ type: 'integer', minimum: 0, maximum: 65_535 }),
  ratio: orVariable({ type: 'number', minimum: 0, maximum: 1 }),
  weight: orVariable({ type: 'integer', minimum: 1, maximum: 256 }),
  duration: text('off|\\d+(\\.\\d+)?(ms|s|m|h)'),
  size: anyOf({ type: 'integer', minimum: 0 }, text('\\d+(\\.\\d+)?(B|KiB|MiB|GiB)?')),
  rate: anyOf({ type: 'number', minimum: 0 }, text('\\d+(\\.\\d+)?(/[smh])?')),
  address: text(`unix:.+|(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]]*):${PORT}`),
  endpointAddress: text(`unix:.+|(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]*]+):(?!0+$)${PORT}`),
  cidr: text('[0-9A-Fa-f:.]+/\\d{1,3}'),
  peer: text('[0-9A-Fa-f:.]+/\\d{1,3}|spiffe://[a-z0-9._-]+(/[\\w.-]+)*(/\\*)?'),
  path: { type: 'string', minLength: 1 },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: this is how configurations write variables

/** Checks of core that are functions; a plugin's own cannot be looked into. */
const FUNCTIONS = new Map<unknown, JsonSchema>([
  [endpointAddress, ENDPOINT],
  [endpointWeight, { $ref: '#/$defs/weight' }],
]);

function text(pattern: string): JsonSchema {
  return { type: 'string', pattern: `^(${pattern})$|${REFERENCE}` };
}

function orVariable(schema: JsonSchema): JsonSchema {
  return anyOf(schema, VARIABLE);
}

function anyOf(...alternatives: JsonSchema[]): JsonSchema {
  return { anyOf: alternatives };
}

function mapOf(values: JsonSchema): JsonSchema {
  return { type: ['object', 'null'], additionalProperties: values };
}

/** One element; `instead` has what its schema leaves to the program. Without a required key nothing at all will do. */
function object(schema: Schema, instead: Readonly<Record<string, JsonSchema>> = {}): JsonSchema {
  const entries = Object.entries<Setting | Schema>(schema);
  const required = entries.filter(([, child]) => mustBeGiven(child)).map(([key]) => key);
  return {
    type: required.length > 0 ? 'object' : ['object', 'null'],
    properties: Object.fromEntries(
      entries.map(([key, child]) => [key, isSetting(child) ? setting(child, instead[key]) : object(child)]),
    ),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function mustBeGiven(child: Setting | Schema): boolean {
  // A variable may give what the file does not.
  if (isSetting(child)) return child.default === undefined && !child.optional && child.env === undefined;
  return Object.values<Setting | Schema>(child).some(mustBeGiven);
}

function setting(child: Setting, instead: JsonSchema | undefined): JsonSchema {
  const { doc, env, sensitive, format, max, keywords } = child;
  const most = max !== undefined && `At most ${writeValue(max, format)}.`;
  const description = [doc, most, env && `Environment: ${env}.`, sensitive && 'Masked where it is shown.'];
  return {
    description: description.filter((part) => part).join(' '),
    ...(instead ?? (keywords ? orVariable({ ...ofFormat(format), ...keywords }) : ofFormat(format))),
    ...(child.default !== undefined && { default: writeValue(child.default, format) }),
  };
}

function ofFormat(format: Format | Schema): JsonSchema {
  if (format === String) return { type: 'string' };
  if (format === Number) return { $ref: '#/$defs/number' };
  if (format === Boolean) return { $ref: '#/$defs/boolean' };
  if (format === 'any') return {};
  if (typeof format === 'string') return { $ref: `#/$defs/${format}` };
  if (typeof format === 'function') return FUNCTIONS.get(format) ?? {};
  if (Array.isArray(format)) return orVariable({ enum: format });
  if (!isFormatOnly(format)) return object(format as Schema);
  if ('list' in format) return { type: 'array', items: ofFormat(format.list as Format) };
  if ('map' in format) return { type: 'object', additionalProperties: ofFormat(format.map as Format) };
  return anyOf(...(format as { oneOf: readonly (Format | Schema)[] }).oneOf.map(ofFormat));
}

/** A map of one name to its settings. */
function discovery({ discoveries }: Known): JsonSchema {
  return {
    type: 'object',
    minProperties: 1,
    maxProperties: 1,
    ...(discoveries && {
      properties: Object.fromEntries([...discoveries].map(([name, schema]) => [name, schema ? object(schema) : {}])),
      additionalProperties: false,
    }),
  };
}

/** A policy's name, or a map with its settings beside it. */
function balancer({ balancers }: Known): JsonSchema {
  if (balancers === undefined) return anyOf({ type: 'string' }, { type: 'object', required: ['policy'] });
  const names = [...balancers.keys()];
  const withNothing = names.filter((name) => !mustBeGiven(balancers.get(name) ?? {}));
  const long = names.map((name) => {
    const schema = object(balancers.get(name) ?? {});
    const required = [...((schema['required'] as string[] | undefined) ?? []), 'policy'];
    return {
      ...schema,
      type: 'object',
      properties: { policy: { const: name }, ...(schema['properties'] as object) },
      required,
    };
  });
  const byVariable = { type: 'object', properties: { policy: VARIABLE }, required: ['policy'] };
  return anyOf(orVariable({ enum: withNothing }), ...long, byVariable);
}

/** A name, a map of one name to its settings, or the long form. Other plugins than the known ones may have any settings. */
function plugin({ plugins }: Known): JsonSchema {
  const settings = Object.fromEntries(plugins.map(({ plugin }) => [plugin.name, object(plugin.config ?? {})]));
  const long = {
    ...object(pluginEntrySchema),
    allOf: Object.entries(settings).map(([name, schema]) => ({
      if: { properties: { use: { const: name } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { properties: { settings: schema } },
    })),
  };
  const short = {
    type: 'object',
    minProperties: 1,
    maxProperties: 1,
    properties: settings,
    additionalProperties: true,
  };
  return {
    if: { type: 'object' },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { if: { required: ['use'] }, then: long, else: short },
    else: { type: 'string' },
  };
}
