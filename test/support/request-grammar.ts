import fc from 'fast-check';

/** A request in its parts, some of them mutated. */
export interface Draft {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly lines: readonly (readonly [name: string, separator: string, value: string])[];
  readonly eol: string;
  readonly body: string;
  /** Characters put in, or in place of others, at thousandths of the length. */
  readonly mutations: readonly (readonly [at: number, replaces: boolean, text: string])[];
}

const mostly = <T>(usual: readonly T[], odd: readonly T[], weight = 12): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constantFrom(...usual), weight }, { arbitrary: fc.constantFrom(...odd), weight: 1 });

const METHOD = mostly(
  ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'],
  ['get', 'FOO', 'M-SEARCH', 'G ET', '', 'GE(T', 'PRI'],
);
const TARGET = mostly(
  ['/', '/a/b?c=d', '/%41', '/a;b=c', '/?', '//x', 'http://a/', 'http://a', 'http://a?q', 'http://A:80/x'],
  ['*', 'a', '', '/a b', '/\x00', '/\xe4', '/#f', 'http://b/', 'http://u@a/', 'HTTP://a/', '/"<>^`{|}', 'a:80', '/\t'],
);
const VERSION = mostly(
  ['HTTP/1.1'],
  ['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.', 'HTTP/11', '', 'HTTP/1.1 '],
);
const SEPARATOR = mostly([': ', ':', ':\t', ':  '], [' : ', '\t:', '', ':\r', ': \x0b']);
const EOL = mostly(['\r\n'], ['\n', '\r', '\r\r\n', '\n\r\n'], 30);

const NAME = mostly(
  [
    'X-A',
    'x-b',
    'Accept',
    'Cookie',
    'TE',
    'Upgrade',
    'Expect',
    'Trailer',
    'Keep-Alive',
    'Via',
    'X-Request-Id',
    '!#$%&',
  ],
  ['X A', 'X\x00', '', 'X(', 'f\xf6', ' X', 'X\t', '\r\nX'],
);
const VALUE = mostly(
  ['1', '', 'a b', 'a, b', '\xe4\xff', '"q"', 'trailers', 'a\tb', 'x-a', 'websocket', 'a:b', ' \t lead', '=\\;'],
  ['\x00', '\x7f', 'a\rb', 'a\nb', 'a\r\n b', '\x01', 'a\r\n\tb'],
);
const HOST = mostly(['a', 'A', 'a:80'], ['', 'b', 'a, b', 'a b', 'u@a', 'a/b', '[::1]:80', 'a:x', 'a\xe4'], 20);
const LENGTH = mostly(
  ['3'],
  ['', '+3', '-3', '0x3', '3, 3', '3 3', '03', '3.0', '99999999999999999999', '4', '2', '0', '\t3 ', '3\x0b'],
);
const CODING = mostly(
  ['chunked', 'Chunked'],
  [
    'chunked, chunked',
    'gzip, chunked',
    'chunked, gzip',
    'identity',
    'xchunked',
    '',
    ' chunked',
    'chunked;q=1',
    '\x0bchunked',
    'chunked,',
  ],
);
const CONNECTION = mostly(
  ['close', 'keep-alive', 'x-a', 'close, x-b'],
  ['transfer-encoding', 'content-length', 'host', 'te', 'upgrade', 'close, transfer-encoding, host'],
);

const SIZE = mostly(
  ['3', '03', '3;a', '3;a=b', '3;a="b c"'],
  [
    '4',
    '2',
    '0x3',
    '-3',
    '+3',
    '3 ',
    ' 3',
    '',
    'g',
    '3;',
    '3; a',
    '3;a=',
    '3;;a',
    '3;a\rb',
    '3;a\nb',
    '3;"',
    'fffffffffffffffff',
    '3\x00',
    '3;a="b\\"c"',
    '3;a=\xe4',
  ],
);
const TRAILER = mostly(
  ['', 'X-T: 1\r\n', 'x-t: a\r\nX-u: b\r\n'],
  [
    'Content-Length: 3\r\n',
    'X\r\n',
    'X : 1\r\n',
    'X: \x00\r\n',
    ' X: 1\r\n',
    'Transfer-Encoding: chunked\r\n',
    'X: 1\n',
  ],
);
const CHUNKS = fc
  .tuple(fc.array(fc.tuple(SIZE, EOL, EOL), { maxLength: 3 }), TRAILER, EOL)
  .map(
    ([chunks, trailer, end]) => `${chunks.map(([size, a, b]) => `${size}${a}abc${b}`).join('')}0\r\n${trailer}${end}`,
  );

type Line = readonly [string, string, string];
const line = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<Line> =>
  fc.tuple(fc.constant(name), SEPARATOR, value);
const maybe = (one: fc.Arbitrary<Line>, frequent: boolean): fc.Arbitrary<readonly Line[]> =>
  fc.oneof(
    { arbitrary: one.map((single) => [single]), weight: frequent ? 30 : 3 },
    { arbitrary: fc.constant([]), weight: frequent ? 1 : 20 },
    { arbitrary: fc.tuple(one, one), weight: 1 },
  );

/** How the body is framed: by nothing, a length, chunks; rarely by both. */
const FRAMED = fc.oneof(
  { arbitrary: fc.constant({ lines: [] as Line[], body: '' }), weight: 6 },
  { arbitrary: line('Content-Length', LENGTH).map((one) => ({ lines: [one], body: 'abc' })), weight: 5 },
  {
    arbitrary: fc.tuple(line('Transfer-Encoding', CODING), CHUNKS).map(([one, body]) => ({ lines: [one], body })),
    weight: 8,
  },
  {
    arbitrary: fc
      .tuple(line('Content-Length', LENGTH), line('Transfer-Encoding', CODING), CHUNKS)
      .map(([a, b, body]) => ({ lines: [a, b], body })),
    weight: 1,
  },
);

export function draftOf(): fc.Arbitrary<Draft> {
  return fc
    .record({
      method: METHOD,
      target: TARGET,
      version: VERSION,
      host: maybe(line('Host', HOST), true),
      connection: maybe(line('Connection', CONNECTION), false),
      others: fc.array(fc.tuple(NAME, SEPARATOR, VALUE), { maxLength: 4 }),
      framed: FRAMED,
      order: fc.integer(),
      eol: EOL,
      mutations: fc.oneof(
        { arbitrary: fc.constant([]), weight: 4 },
        {
          arbitrary: fc.array(
            fc.tuple(
              fc.integer({ min: 0, max: 999 }),
              fc.boolean(),
              fc.constantFrom('\r', '\n', '\x00', ' ', '\t', ':', '\r\n', '0', ';', '\x80', '\x7f', ''),
            ),
            { minLength: 1, maxLength: 2 },
          ),
          weight: 1,
        },
      ),
    })
    .map(({ host, connection, others, framed, order, ...rest }) => {
      const lines = [...host, ...connection, ...others, ...framed.lines];
      const turn = lines.length === 0 ? 0 : Math.abs(order) % lines.length;
      return { ...rest, lines: [...lines.slice(turn), ...lines.slice(0, turn)], body: framed.body };
    });
}

/** The bytes, as latin1. */
export function textOf({ method, target, version, lines, eol, body, mutations }: Draft): string {
  const head = `${method} ${target} ${version}${eol}${lines.map((parts) => parts.join('') + eol).join('')}${eol}`;
  let text = head + body;
  for (const [at, replaces, put] of mutations) {
    const index = Math.floor((at / 1_000) * text.length);
    text = text.slice(0, index) + put + text.slice(index + (replaces ? 1 : 0));
  }
  return text;
}
