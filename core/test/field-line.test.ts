import { FieldLine } from '@outrigger/core';
import { expect } from 'chai';

describe('a field line', () => {
  it('stands as a head has it, and tells its name and its value', () => {
    const line = FieldLine.of('X-Team', 'blue \xfc');
    expect(line).to.include({ name: 'X-Team', text: 'X-Team: blue \xfc\r\n', value: 'blue \xfc' });
  });

  for (const [name, value, why] of [
    ['x team', 'blue', /"x team" is not a header name/],
    ['', 'blue', /"" is not a header name/],
    ['x-team', 'blue\r\nx-admin: 1', /the value of x-team has a character/],
    ['x-team', '\u20ac', /the value of x-team has a character/],
    ['x-team', 'a\0', /the value of x-team has a character/],
  ] as const) {
    it(`is not made of ${JSON.stringify(name)} and ${JSON.stringify(value)}`, () => {
      expect(() => FieldLine.of(name, value)).to.throw(TypeError, why);
      expect(() => FieldLine.random(name, value)).to.throw(TypeError, why);
    });
  }

  it('may be another one each time, in one form', () => {
    const next = FieldLine.random('x-id', 'a-####');
    const lines = Array.from({ length: 100 }, next);
    for (const line of lines) expect(line.value).to.match(/^a-[0-9a-f]{4}$/);
    expect(new Set(lines.map(({ text }) => text)).size).to.be.above(90);
  });
});
