import { type AdminReply, type AdminRequest, parseProblem, type Sidecar, valuesIn } from '@outrigger/core';

/** Answers `GET /config_dump`, and with `?origins` where each value came from and what is wrong. */
export async function configDump({ query }: AdminRequest, sidecar: Sidecar): Promise<AdminReply> {
  const { generation, configuration = null, provenance } = sidecar;
  if (!query.has('origins')) return { body: { generation, configuration } };
  const problems = problemsOf(sidecar);
  // They are text already, and of many routes a long one: that is not read to be written again.
  const values = (await provenance?.values()) ?? JSON.stringify(madeByProgram(configuration));
  const text = JSON.stringify({ generation, configuration, problems });
  return { body: `${text.slice(0, -1)},"values":${values}}\n`, contentType: 'application/json' };
}

function madeByProgram(configuration: unknown): object[] {
  return configuration === null
    ? []
    : [...valuesIn(configuration)].map(([path, value]) => ({ path, value, origin: 'program' }));
}

/** Warnings of what is in force; and why the last reload failed, where it did. */
function problemsOf({ provenance, reloads: { last } }: Sidecar): object[] {
  const failed = last?.result === 'failed' ? (last.problems ?? []) : [];
  return [
    ...(provenance?.warnings ?? []).map((message) => ({ severity: 'warning', message })),
    ...failed.map((line) => ({ severity: 'error', at: new Date(last!.at).toISOString(), ...parseProblem(line) })),
  ];
}
