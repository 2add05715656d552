import { expect } from 'chai';
import { ConnectionHooks, definePlugin, type Plugin, reject, type Session } from '../src/index.ts';

// DESIGN §3, word for word but for the import: that it compiles is half of the test.
// biome-ignore format: word for word
const requireHeader = definePlugin({
  name: 'require-header',
  config: { header: { doc: 'Header that every session must carry.', format: String, default: 'x-tenant' } },
  bind(bind, { header }) {
    bind(ConnectionHooks).toConstantValue({ onRequest: (s: Session) => s.request.headers.has(header) ? undefined : reject(403, `missing ${header}`) });
  },
});

describe('definePlugin', () => {
  it('infers the settings, and what it gives is a Plugin', () => {
    const bound: ConnectionHooks[] = [];
    const bind = () => ({ toConstantValue: (value: ConnectionHooks) => void bound.push(value) });
    const settings: Parameters<typeof requireHeader.bind>[1] = { header: 'x-user' };
    const header: string = settings.header;
    requireHeader.bind(bind as never, { header });
    const session = { request: { headers: { has: (name: string) => name === 'x-tenant' } } } as unknown as Session;
    expect(bound[0]!.onRequest!(session)).to.deep.include({ status: 403, reason: 'missing x-user' });
    const without = definePlugin({ name: 'plain', bind() {} });
    const all: readonly Plugin[] = [requireHeader, without];
    expect(all.map(({ name }) => name)).to.deep.equal(['require-header', 'plain']);
  });
});
