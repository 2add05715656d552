import { expect } from 'chai';
import { FieldNames } from '../src/field-names.ts';
import { HeadScanner } from '../src/head-scanner.ts';

function namesIn(lines: readonly string[], known: FieldNames): string[] {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${lines.map((line) => `${line}: 1\r\n`).join('')}\r\n`, 'latin1');
  const scanner = new HeadScanner(known);
  expect(scanner.scan(bytes, 0, bytes.length)).to.equal(bytes.length);
  return scanner.names.slice(0, lines.length);
}

describe('names of fields', () => {
  it('are told in whatever case, and from those that look like them', () => {
    const known = new FieldNames(['host', 'x-real-ip', 'content-length']);
    const lines = ['Host', 'hOST', 'X-REAL-IP', 'content-length', 'hosts', 'hast', 'x-real_ip', 'Content.Length', 'h'];
    const long = `h${'o'.repeat(35)}`;
    expect(namesIn([...lines, long], known)).to.deep.equal([
      'host',
      'host',
      'x-real-ip',
      'content-length',
      ...new Array(6).fill(''),
    ]);
  });

  it('that could not be told apart are refused', () => {
    expect(() => new FieldNames(['host', 'hint'])).to.throw('hint and host cannot be told apart');
  });
});
