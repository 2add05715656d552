import { expect } from 'chai';
import fc from 'fast-check';
import type { Match } from '../src/match.ts';
import { RouteTable } from '../src/route-table.ts';
import { referenceRoute } from './reference.ts';
import { routesFor, sessionFor, verdict } from './stand-ins.ts';

const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);

// Few words, so that what is asked and what is configured meet often.
const label = fc.constantFrom('a', 'b', 'com');
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const hostPattern = fc.option(
  fc.tuple(fc.boolean(), host).map(([wild, name]) => (wild ? `*.${name}` : name)),
  { nil: undefined },
);
const plainPath = fc
  .array(fc.constantFrom('x', 'y', 'xy'), { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`);
const pathPattern = fc.option(
  fc.tuple(fc.boolean(), plainPath).map(([exact, path]) => (exact ? `=${path}` : path)),
  { nil: undefined },
);
const headers = fc.dictionary(fc.constantFrom('x-a', 'x-b'), fc.constantFrom('1', '2'), { maxKeys: 2 });
const manyHeaders = fc.dictionary(fc.constantFrom('x-a', 'x-b', 'x-c'), fc.constantFrom('1', '2', '3'), { maxKeys: 3 });
const match: fc.Arbitrary<Match> = fc.record({ host: hostPattern, path: pathPattern, headers });
const oddPath = fc
  .array(fc.constantFrom('x', 'y', 'xy', '.', '..', '...', '%2e', '%2E.', '/', '//', '%2f', '%2F', '%5c', '\\'), {
    maxLength: 10,
  })
  .map((pieces) => `/${pieces.join('')}`);
const path = fc.oneof(
  plainPath,
  plainPath.map((plain) => `${plain}/`),
  oddPath,
  fc.constant('*'),
);

describe(`a route table (seed ${seed})`, () => {
  it('agrees with a reference that sorts by the rules', () => {
    agrees(fc.array(match, { maxLength: 12 }), fc.array(fc.tuple(host, path, headers), { minLength: 1, maxLength: 8 }));
  });

  it('agrees with it where many routes have one path', () => {
    const one = fc.record({ path: fc.constantFrom('/x', '=/x'), headers: manyHeaders });
    const asked = fc.tuple(host, fc.constant('/x'), manyHeaders);
    agrees(fc.array(one, { minLength: 40, maxLength: 60 }), fc.array(asked, { minLength: 1, maxLength: 8 }), 500);
  });
});

function agrees(
  matches: fc.Arbitrary<Match[]>,
  asked: fc.Arbitrary<(readonly [string, string, Record<string, string>])[]>,
  numRuns = 3_000,
): void {
  fc.assert(
    fc.property(matches, asked, (given, requests) => {
      const routes = routesFor(given);
      const table = RouteTable.create(routes);
      for (const [name, where, fields] of requests) {
        const expected = referenceRoute(routes, { host: name, path: where, headers: fields });
        expect(verdict(table.route(sessionFor(name, where, fields)))).to.equal(
          expected === 400 ? '400' : verdict(expected),
        );
      }
    }),
    { seed, numRuns },
  );
}
