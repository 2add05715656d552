import { readFileSync } from 'node:fs';
import type { AdminAnswer, AdminParameter, AdminRoute } from '@outrigger/core';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** What is wrong with a request. */
export const ERROR = { type: 'object', properties: { error: { type: 'string' } }, required: ['error'] };

/** The routes as an OpenAPI document, version 3.1; `guarded` where they want a token. What a route does not tell is left open. */
export function openApi(routes: readonly AdminRoute[], guarded: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.endsWith('/*') ? `${route.path.slice(0, -1)}{${restOf(route).name}}` : route.path;
    paths[path] ??= {};
    // Of two that are the same the first one is served.
    paths[path][route.method.toLowerCase()] ??= operation(route, guarded);
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Admin address of Outrigger', version },
    servers: [{ url: '/' }],
    paths,
    components: {
      responses: { problem: { description: 'What is wrong with the request.', content: json(ERROR) } },
      ...(guarded && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }),
    },
  };
}

function operation(route: AdminRoute, guarded: boolean): object {
  const { doc, open, query = {}, responses = { 200: { doc } } } = route;
  const parameters = Object.entries(query).map(([name, one]) => parameter(name, 'query', one));
  if (route.path.endsWith('/*')) parameters.unshift(parameter(restOf(route).name, 'path', restOf(route)));
  const answers = Object.entries(responses).map(([status, one]) => [status, answer(one)]);
  return {
    description: doc,
    ...(parameters.length > 0 && { parameters }),
    responses: { ...Object.fromEntries(answers), default: { $ref: '#/components/responses/problem' } },
    ...(guarded && open !== true && { security: [{ token: [] }] }),
  };
}

function restOf({
  rest = { name: 'rest', doc: 'The rest of the path.' },
}: AdminRoute): AdminParameter & { name: string } {
  return rest;
}

function parameter(
  name: string,
  where: 'query' | 'path',
  { doc, schema = { type: 'string' } }: AdminParameter,
): object {
  return { name, in: where, required: where === 'path', description: doc, schema };
}

function answer({ doc, schema, contentTypes }: AdminAnswer): object {
  const content =
    contentTypes === undefined
      ? schema && json(schema)
      : Object.fromEntries(contentTypes.map((contentType) => [contentType, {}]));
  return { description: doc, ...(content && { content }) };
}

function json(schema: object): object {
  return { 'application/json': { schema } };
}
