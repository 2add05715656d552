import { expect } from 'chai';
import type { Match } from '../src/match.ts';
import { RouteTable } from '../src/route-table.ts';
import { routesFor, sessionFor, verdict } from './stand-ins.ts';

type Asked = readonly [host: string, path: string, headers?: Record<string, string>, method?: string];

const route = (matches: readonly Match[], asked: Asked): string =>
  verdict(RouteTable.create(routesFor(matches)).route(sessionFor(...asked)));

const hosts: Match[] = [
  {},
  { host: '*.example.com' },
  { host: 'Chat.Example.com:8443' },
  { host: '*.eu.example.com' },
  { host: '[2001:DB8::1]:80' },
];
const paths: Match[] = [
  { path: '/ws' },
  { path: '=/ws' },
  { path: '/ws/rooms/' },
  { path: '/' },
  { path: '/caf%c3%a9' },
  { path: '/naïve' },
];
const headers: Match[] = [
  { path: '/a' },
  { path: '/a', headers: { 'x-beta': '1' } },
  { path: '/a', headers: { 'X-Beta': '1', 'x-team': 'red' } },
  { path: '/a', method: 'POST' },
  { path: '/a', headers: { 'x-team': 'red' } },
  { path: '/a/b', headers: { 'x-team': 'blue' } },
];
const levels: Match[] = [
  { host: 'a.example.com', path: '/only' },
  { host: '*.example.com', path: '/some' },
  { path: '/other' },
];
const admin: Match[] = [{ path: '/ws' }, { path: '/admin' }, { host: 'open', path: '/' }];

describe('a route table', () => {
  const tables: readonly [
    name: string,
    matches: Match[],
    cases: readonly (readonly [expected: string, ...asked: Asked])[],
  ][] = [
    [
      'takes the exact host, then the longest wildcard, then none',
      hosts,
      [
        ['r2', 'chat.example.com', '/'],
        ['r1', 'shop.example.com', '/'],
        ['r1', 'a.b.example.com', '/'],
        ['r3', 'shop.eu.example.com', '/'],
        ['r1', 'eu.example.com', '/'],
        ['r0', 'example.com', '/'],
        ['r0', 'badexample.com', '/'],
        ['r4', '2001:db8::1', '/'],
        ['r0', '', '/'],
      ],
    ],
    [
      'takes the exact path, then the longest prefix on segment borders',
      paths,
      [
        ['r1', 'h', '/ws'],
        ['r0', 'h', '/ws/'],
        ['r0', 'h', '/ws/x'],
        ['r3', 'h', '/wsx'],
        ['r2', 'h', '/ws/rooms'],
        ['r2', 'h', '/ws/rooms/1/2'],
        ['r0', 'h', '/ws/roomsy'],
        ['r3', 'h', '/'],
        ['r1', 'h', '/%77s'],
        ['r4', 'h', '/caf%C3%A9/x'],
        ['r4', 'h', '/caf%c3%a9'],
        ['r5', 'h', '/na%C3%AFve'],
        ['-', 'h', '*'],
        ['-', 'h', ''],
      ],
    ],
    [
      'takes more header conditions first, then the order of the file',
      headers,
      [
        ['r0', 'h', '/a'],
        ['r1', 'h', '/a', { 'X-BETA': '1' }],
        ['r0', 'h', '/a', { 'x-beta': '2' }],
        ['r2', 'h', '/a', { 'x-beta': '1', 'x-team': 'red' }],
        ['r4', 'h', '/a', { 'x-team': 'red' }],
        ['r3', 'h', '/a', { 'x-team': 'red' }, 'POST'],
        ['r5', 'h', '/a/b', { 'x-team': 'blue' }],
        ['r4', 'h', '/a/b', { 'x-team': 'red' }],
        ['-', 'h', '/b'],
      ],
    ],
    [
      'asks the next host where the most specific one has no such path',
      levels,
      [
        ['r0', 'a.example.com', '/only'],
        ['r1', 'a.example.com', '/some'],
        ['r2', 'a.example.com', '/other'],
        ['-', 'b.example.com', '/only'],
      ],
    ],
    [
      'gives pathless routes what has no path',
      [{ host: 'h' }, { path: '/' }],
      [
        ['r0', 'h', '*'],
        ['-', 'i', '*'],
        ['r1', 'i', '/'],
      ],
    ],
    [
      'refuses a path that would take another route, or none, once normalised',
      admin,
      [
        ['400', 'h', '/ws/../admin'],
        ['400', 'h', '/ws/%2e%2e/admin'],
        ['400', 'h', '/ws/.%2E/admin'],
        ['400', 'h', '/ws/..;a=b/admin'],
        ['400', 'h', '/ws/..%2fadmin'],
        ['400', 'h', '/ws/..%5cadmin'],
        ['400', 'h', '/ws/..\\admin'],
        ['400', 'h', '/ws%2fx'],
        ['400', 'h', '/ws\\x'],
        ['400', 'h', '//ws'],
        ['400', 'h', '/./admin'],
        ['400', 'h', '/other/../ws'],
        ['400', 'h', '/ws/..'],
        ['400', 'h', '/ws/x//../../y'],
        ['400', 'h', '/x/x%5cx\\../../ws'],
      ],
    ],
    [
      'lets a path pass that takes the same route either way',
      admin,
      [
        ['r0', 'h', '/ws/./x'],
        ['r0', 'h', '/ws/x/../y'],
        ['r0', 'h', '/ws//x'],
        ['r0', 'h', '/ws/http://x'],
        ['r0', 'h', '/ws/a%2Fb'],
        ['r0', 'h', '/ws/a%20b'],
        ['r0', 'h', '/ws/%zz'],
        ['r0', 'h', '/ws/.well-known'],
        ['r0', 'h', '/ws/...'],
        ['r2', 'open', '/x/../../y'],
        ['-', 'h', '/other/../x'],
      ],
    ],
  ];
  for (const [name, matches, cases] of tables)
    describe(name, () => {
      for (const one of cases) {
        const [expected, ...asked] = one;
        it(`${asked.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' ')} → ${expected}`, () => {
          expect(route(matches, asked)).to.equal(expected);
        });
      }
    });

  it('reads each path in time that does not grow with the number of routes', () => {
    // Counted, not timed: the map is asked once for each segment border and once at the end.
    const many = Array.from({ length: 10_000 }, (_, i) => ({ host: `h${i % 100}.example.com`, path: `/a/${i}` }));
    const table = RouteTable.create(routesFor([...many, { host: '*.example.com', path: '/a' }]));
    const original = Map.prototype.get;
    let asked = 0;
    Map.prototype.get = function get(this: Map<unknown, unknown>, key: unknown) {
      asked++;
      return original.call(this, key);
    };
    try {
      expect(verdict(table.route(sessionFor('h7.example.com', '/a/9907')))).to.equal('r9907');
      expect(verdict(table.route(sessionFor('h7.example.com', '/a/9908')))).to.equal('r10000');
    } finally {
      Map.prototype.get = original;
    }
    expect(asked).to.be.below(20);
  });

  describe('finds one of many with the same path by what they ask for', () => {
    const many: Match[] = Array.from({ length: 10_000 }, (_, i) => ({
      path: '/a',
      headers: { 'x-all': '1', 'X-Tenant': String(i) },
    }));
    const matches: Match[] = [
      { path: '/a' },
      { path: '/a', method: 'POST' },
      { path: '/a', method: 'POST' },
      { path: '/a', headers: { 'x-tenant': '7' } },
      ...many,
      { path: '/a', method: 'PUT', headers: { 'x-all': '1', 'x-tenant': '7' } },
    ];
    const table = RouteTable.create(routesFor(matches));
    for (const [expected, ...asked] of [
      ['r0', 'h', '/a', {}],
      ['r1', 'h', '/a', { 'x-all': '1' }, 'POST'],
      ['r3', 'h', '/a', { 'x-tenant': '7' }],
      ['r3', 'h', '/a', { 'x-tenant': '7', 'x-all': '2' }, 'PUT'],
      ['r11', 'h', '/a', { 'x-tenant': '7', 'X-ALL': '1' }],
      ['r10004', 'h', '/a', { 'x-tenant': '7', 'x-all': '1' }, 'PUT'],
      ['r10003', 'h', '/a', { 'x-tenant': '9999', 'x-all': '1' }],
      ['r0', 'h', '/a', { 'x-tenant': '10000', 'x-all': '1' }],
    ] as const)
      it(`${JSON.stringify(asked.slice(2))} → ${expected}`, () => {
        expect(verdict(table.route(sessionFor(...(asked as unknown as Asked))))).to.equal(expected);
      });

    it('in time that does not grow with their number', () => {
      // Counted, not timed: how often the request is asked for a header.
      const session = sessionFor('h', '/a', { 'x-tenant': '9999', 'x-all': '1' });
      const { headers } = session.request;
      let asked = 0;
      const get = headers.get.bind(headers);
      headers.get = (name) => {
        asked++;
        return get(name);
      };
      expect(verdict(table.route(session))).to.equal('r10003');
      expect(asked).to.equal(2);
    });

    it('and the first value of a header that was sent twice', () => {
      const session = sessionFor('h', '/a', { 'x-tenant': '7', 'x-all': '1' });
      const fields = [...session.request.headers, ['x-tenant', '5'] as const];
      Object.assign(session.request.headers, { [Symbol.iterator]: () => fields[Symbol.iterator]() });
      expect(verdict(table.route(session))).to.equal('r11');
    });
  });
});
