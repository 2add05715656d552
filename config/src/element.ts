import type { Setting } from '@outrigger/core';
import convict from 'convict';
import type { Environment } from './environment.ts';
import { describeFormat } from './formats.ts';
import type { Reading } from './reader.ts';

type Read = () => Reading | undefined;

/** One setting of an element, and where its value may come from. Each `read` adds what is wrong to the problems. */
export interface Candidate {
  readonly setting: Setting;
  /** Whether the environment variable counts. */
  readonly overridable: boolean;
  readonly given: Read | undefined;
  readonly byDefault: Read | undefined;
  readonly fromEnvironment: (text: string) => Reading | undefined;
  /** Called where there is no value at all. */
  readonly missing: () => void;
}

/**
 * Lets convict settle one element: default < file < environment, every value against its format, nothing undeclared.
 *
 * convict walks dotted paths and takes any object apart. So it gets one flat schema for each element, dots in names escaped,
 * and each value in a list of one function that it neither clones nor looks into; names from users' files never get here.
 */
export function* settle(
  candidates: ReadonlyMap<string, Candidate>,
  env: Environment,
): Generator<[key: string, reading: Reading | undefined]> {
  if (candidates.size === 0) return;
  const read = new Map<string, (raw: Raw) => Reading | undefined>();
  const schema: Record<string, object> = {};
  const given: Record<string, Box> = {};
  for (const [key, candidate] of candidates) {
    const name = propertyOf(key);
    const reader = once((raw: Raw) => (typeof raw === 'string' ? candidate.fromEnvironment(raw) : raw[0]()));
    read.set(name, reader);
    schema[name] = { ...definition(candidate), check: reader };
    if (candidate.given) given[name] = [candidate.given];
  }

  const element = convict(schema, { env: variablesOf(candidates, env), args: [] });
  element.load(given);
  try {
    element.validate({ allowed: 'strict' });
  } catch (error) {
    // What is wrong was reported with its position by then; anything else is a defect.
    if (!(error instanceof Error) || !error.message.includes(REPORTED)) throw error;
  }
  const settled = element.getProperties() as Record<string, Raw | null>;
  for (const [key, candidate] of candidates) {
    const raw = settled[propertyOf(key)];
    if (raw === null || raw === undefined) candidate.missing();
    else yield [key, read.get(propertyOf(key))!(raw)];
  }
}

/** A value on its way through convict: text from the environment, or what reads the file's or the default's. */
type Raw = string | Box;
type Box = [Read];

/** What convict is told of a setting, as far as it hands it back. */
interface Definition {
  readonly check: (raw: Raw) => Reading | undefined;
}

const REPORTED = 'reported already';
const FORMAT = 'outrigger';

convict.addFormat({
  name: FORMAT,
  validate(raw: Raw, schema: object) {
    if ((schema as Definition).check(raw) === undefined) throw new Error(REPORTED);
  },
});

function definition({ setting, overridable, byDefault }: Candidate): object {
  return {
    doc: setting.doc,
    format: FORMAT,
    expected: describeFormat(setting.format),
    default: byDefault ? [byDefault] : null,
    nullable: true,
    sensitive: setting.sensitive === true,
    ...(setting.env !== undefined && overridable && { env: setting.env }),
  };
}

function propertyOf(key: string): string {
  return key.replaceAll('%', '%25').replaceAll('.', '%2E');
}

/** The variables that count here. An empty one is as good as none, as OpenTelemetry and most shells have it. */
function variablesOf(candidates: ReadonlyMap<string, Candidate>, env: Environment): NodeJS.ProcessEnv {
  const variables: NodeJS.ProcessEnv = {};
  for (const { setting } of candidates.values())
    if (setting.env !== undefined && env[setting.env]) variables[setting.env] = env[setting.env];
  return variables;
}

function once<A, R>(f: (argument: A) => R): (argument: A) => R {
  let result: { readonly value: R } | undefined;
  return (argument) => (result ??= { value: f(argument) }).value;
}
