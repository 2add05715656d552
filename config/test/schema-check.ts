import { Ajv2020 } from 'ajv/dist/2020.js';

/** What an independent validator finds wrong with data: `/listeners/a required`. Throws where the schema itself is wrong. */
export function schemaCheck(schema: object): (data: unknown) => string[] {
  // Types and required keys need not stand beside the keywords that speak of them.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  const check = ajv.compile(schema);
  return (data) => (check(data) ? [] : check.errors!.map((error) => `${error.instancePath} ${error.keyword}`));
}
