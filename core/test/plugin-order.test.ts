import { expect } from 'chai';
import { orderPlugins, type Plugin, PluginError } from '../src/index.ts';
import { thrownBy } from './stand-ins.ts';

const plugin = (name: string, more: Partial<Plugin> = {}, origin = 'built in') => ({
  plugin: { name, bind() {}, ...more },
  origin,
});
const names = (...plugins: ReturnType<typeof plugin>[]) => orderPlugins(plugins).map((one) => one.plugin.name);

describe('the order of plugins', () => {
  it('is the given one where nothing demands another', () => {
    expect(names(plugin('c'), plugin('a'), plugin('b'))).to.deep.equal(['c', 'a', 'b']);
  });

  it('follows before and after, and moves no one else', () => {
    expect(names(plugin('a'), plugin('b'), plugin('c'), plugin('x', { before: ['b'] }))).to.deep.equal([
      'a',
      'x',
      'b',
      'c',
    ]);
    expect(names(plugin('x', { after: ['b'] }), plugin('a'), plugin('b'))).to.deep.equal(['b', 'x', 'a']);
    expect(names(plugin('a', { after: ['b'] }), plugin('b', { after: ['c'] }), plugin('c'))).to.deep.equal([
      'c',
      'b',
      'a',
    ]);
  });

  it('ignores names that are not there', () => {
    expect(names(plugin('a', { before: ['ghost'], after: ['spectre'] }))).to.deep.equal(['a']);
  });

  it('names the circle in which it goes', () => {
    const error = thrownBy(() =>
      names(plugin('a', { before: ['b'] }), plugin('b', { before: ['c'] }), plugin('c', { before: ['a'] })),
    );
    expect(error).to.be.instanceOf(PluginError);
    expect(error.message).to.equal(
      'the order of the plugins goes in a circle: a → b → c → a; drop one of their "before" or "after"',
    );
    expect(thrownBy(() => names(plugin('a', { after: ['a'] }))).message).to.contain('a → a;');
  });

  it('names both origins of a name that comes twice', () => {
    expect(thrownBy(() => names(plugin('a'), plugin('a', {}, '/etc/a.ts'))).message).to.equal(
      'two plugins have the name "a" (built in; /etc/a.ts); list one of them only',
    );
  });
});
