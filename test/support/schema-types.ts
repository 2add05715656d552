/** A JSON Schema, as far as the descriptions of answers go. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
}

/** The TypeScript type of what fits a schema. Throws at what it does not know, rather than to let everything fit. */
export function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.oneOf !== undefined) return schema.oneOf.map(typeOf).join(' | ');
  // Whatever it is.
  if (Object.keys(schema).length === 0) return 'unknown';
  return [schema.type]
    .flat()
    .map((type) => named(type, schema))
    .join(' | ');
}

function named(type: string | undefined, schema: Schema): string {
  if (type === 'object') return objectOf(schema);
  if (type === 'array' && schema.items !== undefined) return `readonly (${typeOf(schema.items)})[]`;
  if (type === 'integer') return 'number';
  if (type === 'string' || type === 'number' || type === 'boolean' || type === 'null') return type;
  throw new TypeError(`no type for ${JSON.stringify(schema)}`);
}

function objectOf({ properties, required = [], additionalProperties }: Schema): string {
  if (properties === undefined) {
    const value = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
    return `{ readonly [name: string]: ${value} }`;
  }
  const fields = Object.entries(properties).map(
    ([name, one]) => `readonly ${JSON.stringify(name)}${required.includes(name) ? '' : '?'}: ${typeOf(one)};`,
  );
  return `{ ${fields.join(' ')} }`;
}
