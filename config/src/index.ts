export { configurationFor } from './configuration-for.ts';
export { type Difference, difference, differing } from './difference.ts';
export { type Document, plainDocument, positionAt, readDocument, type Source } from './document.ts';
export type { Environment } from './environment.ts';
export { describeFormat, writeValue } from './formats.ts';
export { type JsonSchema, jsonSchema } from './json-schema.ts';
export type { Position } from './node.ts';
export { describeOrigin, type Origin } from './origin.ts';
export type { PluginEntry } from './plugin-entry.ts';
export { formatProblem, type Problem, sortProblems } from './problem.ts';
export { maskSecrets } from './secrets.ts';
export {
  configurationSchemas,
  type Known,
  type LoadedPlugin,
  type SidecarConfiguration,
  type Validation,
  validate,
} from './validate.ts';
