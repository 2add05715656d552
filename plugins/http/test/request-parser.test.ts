import { FieldLine } from '@outrigger/core';
import { expect } from 'chai';
import { HeadScanner } from '../src/head-scanner.ts';
import type { RequestView } from '../src/heads.ts';
import { REQUEST_NAMES } from '../src/request-fields.ts';
import { hopOf, type RequestOrigin, RequestParser } from '../src/request-parser.ts';

const scanner = new HeadScanner(REQUEST_NAMES);
const parser = new RequestParser();

/** A request as hooks see it; `id` as the session adds it. */
function viewOf(head: string, origin: Partial<RequestOrigin> = {}): RequestView {
  const bytes = Buffer.from(head, 'latin1');
  const end = scanner.scan(bytes, 0, bytes.length);
  expect(end).to.equal(bytes.length);
  scanner.read(end);
  const whole = {
    trusted: false,
    hop: hopOf('', false),
    address: '10.0.0.7',
    secure: true,
    certificate: 'Hash=1;URI=spiffe://a/b',
    ...origin,
  };
  expect(parser.parse(scanner, whole)).to.equal(undefined);
  parser.request.headers.text += 'x-request-id: 1\r\n';
  return parser.request;
}

describe('the fields of a request, as hooks see them', () => {
  const HEADS = {
    'a plain one': 'GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n',
    'one with trailers to come': 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\n\r\n',
    'one of HTTP/1.0 in absolute-form': 'GET http://a/ HTTP/1.0\r\nX-UPPER: 1\r\n\r\n',
    'a WebSocket handshake':
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  };
  for (const [name, head] of Object.entries(HEADS))
    it(`are all found by their names, in whatever case: ${name}`, () => {
      const { headers } = viewOf(head);
      const fields = [...headers];
      expect(fields.length).to.be.above(4);
      for (const [field, value] of fields) {
        expect(headers.has(field), field).to.equal(true);
        expect(headers.get(field.toUpperCase()), field).to.equal(value);
        expect(headers.getAll(field.toLowerCase()), field).to.include(value);
      }
    });

  it('are told of their own host, whatever the request before named', () => {
    const told = ['a', 'b:81', 'b:81', 'B:81'].map((host) => {
      const view = viewOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      return [view.host, view.authority, view.headers.get('x-forwarded-host')];
    });
    expect(told).to.deep.equal([
      ['a', 'a', 'a'],
      ['b', 'b:81', 'b:81'],
      ['b', 'b:81', 'b:81'],
      ['b', 'B:81', 'B:81'],
    ]);
  });

  it('name a host from the first request on: an empty one is none', () => {
    const bytes = Buffer.from('GET / HTTP/1.1\r\nHost:\r\n\r\n');
    scanner.read(scanner.scan(bytes, 0, bytes.length));
    const origin = { trusted: false, hop: hopOf('', false), address: '', secure: false };
    const refused = () => parser.parse(scanner, origin);
    const first = new RequestParser().parse(scanner, origin);
    expect([first, refused()]).to.deep.equal(['downstream-malformed', 'downstream-malformed']);
  });

  it('go behind the line as it came, or one in origin-form', () => {
    expect(viewOf(HEADS['a plain one']).line).to.equal('GET / HTTP/1.1\r\n');
    expect(viewOf(HEADS['one of HTTP/1.0 in absolute-form']).line).to.equal('GET / HTTP/1.1\r\n');
  });

  it('have the certificate that the client proved', () => {
    expect(viewOf(HEADS['a plain one']).headers.get('x-forwarded-client-cert')).to.equal('Hash=1;URI=spiffe://a/b');
  });

  it('have what was set, and not what was removed', () => {
    const { headers } = viewOf(HEADS['a plain one']);
    headers.set('x-tenant', 'a');
    headers.append('x-tenant', 'b');
    headers.append(FieldLine.of('X-Tenant', 'c'));
    expect(headers.getAll('x-tenant')).to.deep.equal(['a', 'b', 'c']);
    expect(headers.text).to.match(/x-tenant: b\r\nX-Tenant: c\r\n$/);
    headers.remove('X-Tenant');
    expect(headers.has('x-tenant')).to.equal(false);
  });

  it("have none that is the engine's from anybody else, however it is written", () => {
    const { headers } = viewOf(HEADS['a plain one']);
    const before = headers.text;
    for (const change of [
      () => headers.append('Content-Length', '1'),
      () => headers.append(FieldLine.of('Content-Length', '1')),
      () => headers.set('connection', 'close'),
      () => headers.remove('Transfer-Encoding'),
    ])
      expect(change).to.throw(TypeError, "is the engine's and cannot be changed");
    expect(headers.text).to.equal(before);
  });

  it('have no line that only looks as if it had been checked', () => {
    const { headers } = viewOf(HEADS['a plain one']);
    const like = (value: string) => ({ name: 'x-a', value, text: 'x-a: 1\r\nx-b: 2\r\n' }) as unknown as FieldLine;
    expect(() => headers.append(like('1\r\nx-b: 2'))).to.throw(TypeError, 'the value of x-a has a character');
    headers.append(like('1'));
    expect(headers.text).to.match(/x-a: 1\r\n$/);
  });
});
