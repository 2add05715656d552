import type { Schema } from '@outrigger/core';
import { expect } from 'chai';
import { maskSecrets } from '../src/index.ts';

const text = { doc: 'Text.', format: String, optional: true } as const;
const secret = { ...text, sensitive: true } as const;
const schema: Schema = {
  name: text,
  token: secret,
  nested: { key: secret },
  headers: { doc: 'Headers.', format: { map: String }, sensitive: true, optional: true },
  users: { doc: 'Users.', format: { list: { user: text, password: secret } }, optional: true },
  login: { doc: 'Login.', format: { oneOf: [[false], { pin: secret }] }, optional: true },
};

describe("a plugin's own words", () => {
  const table: readonly [settings: object, said: string, told: string][] = [
    [{ name: 'shop', token: 'hunter2' }, 'shop: hunter2 is refused', 'shop: [sensitive] is refused'],
    [{ nested: { key: 'hunter2' } }, 'hunter2, hunter2', '[sensitive], [sensitive]'],
    [{ headers: { 'api-key': 'hunter2' } }, 'api-key=hunter2', 'api-key=[sensitive]'],
    [{ users: [{ user: 'ann', password: 'hunter2' }] }, 'ann:hunter2@host', 'ann:[sensitive]@host'],
    [{ login: { pin: 'hunter2' } }, 'hunter2', '[sensitive]'],
    [{ login: false, token: '' }, 'nothing to hide', 'nothing to hide'],
    [{ token: 'hunter', nested: { key: 'hunter22' } }, 'hunter22 hunter', '[sensitive] [sensitive]'],
  ];
  for (const [settings, said, told] of table)
    it(`"${said}" becomes "${told}"`, () => {
      expect(maskSecrets(said, schema, settings)).to.equal(told);
    });
});
