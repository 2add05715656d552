import { setImmediate as turnsEnd } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Endpoint, EndpointRecord } from '@outrigger/core';
import { expect } from 'chai';
import { Pools } from '../src/pool.ts';
import type { UpstreamConnection } from '../src/upstream-connection.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** A connection to `endpoint` that has served a session. */
function connectionOf(pools: Pools, endpoint: Endpoint): UpstreamConnection & { readonly discarded: boolean } {
  const connection = {
    endpoint,
    key: undefined,
    idleMs: 0,
    stream: { destroyed: false },
    discarded: false,
    discard() {
      connection.discarded = true;
      pools.remove(connection as unknown as UpstreamConnection);
    },
  };
  return connection as unknown as UpstreamConnection & { readonly discarded: boolean };
}

const endpointAt = (address: string) => new EndpointRecord({ address });

describe('pools', () => {
  it('give the connection that came last, and count what is there', () => {
    const pools = new Pools();
    const [a, b] = [endpointAt('a:1'), endpointAt('b:1')];
    const [first, second, other] = [connectionOf(pools, a), connectionOf(pools, a), connectionOf(pools, b)];
    for (const connection of [first, second, other]) expect(pools.put(connection, 2)).to.equal(true);
    expect(pools.put(connectionOf(pools, a), 2)).to.equal(false);
    expect([pools.count(), pools.count(a), pools.count('b:1')]).to.deep.equal([3, 2, 1]);
    expect(pools.take(a, undefined)).to.equal(second);
    expect(pools.take(a, undefined)).to.equal(first);
    expect(pools.take(a, undefined)).to.equal(undefined);
    expect([pools.count(), pools.count(a), pools.count('b:1')]).to.deep.equal([1, 0, 1]);
  });

  it('do not see what others have of the same endpoint, and give nothing once they are shut', () => {
    const [old, young] = [new Pools(), new Pools()];
    const endpoint = endpointAt('a:1');
    const [olds, youngs] = [connectionOf(old, endpoint), connectionOf(young, endpoint)];
    old.put(olds, 1);
    young.put(youngs, 1);
    old.shut();
    expect([olds.discarded, youngs.discarded]).to.deep.equal([true, false]);
    const third = new Pools();
    const thirds = connectionOf(third, endpoint);
    expect(third.put(thirds, 1)).to.equal(true);
    expect(old.put(connectionOf(old, endpoint), 1)).to.equal(false);
    expect(old.take(endpoint, undefined)).to.equal(undefined);
    old.shut();
    expect(young.take(endpoint, undefined)).to.equal(youngs);
    expect(third.take(endpoint, undefined)).to.equal(thirds);
  });

  it('leave nothing new on an endpoint, however many reloads make them anew', () => {
    const endpoint = endpointAt('a:1');
    const properties: number[] = [];
    let before = new Pools();
    for (let reload = 0; reload < 10; reload++) {
      const pools = new Pools();
      pools.put(connectionOf(pools, endpoint), 1);
      // One whose connections were all in use when it was shut.
      if (reload % 2 === 0) pools.take(endpoint, undefined);
      before.shut();
      before = pools;
      properties.push(Reflect.ownKeys(endpoint).length);
    }
    expect(properties.at(-1)).to.equal(properties[1]);
    before.shut();
    expect(Object.getOwnPropertySymbols(endpoint).map((symbol) => Reflect.get(endpoint, symbol))).to.deep.equal([
      undefined,
      undefined,
    ]);
  });

  it('hold no endpoint that has left while its connections were in use', async () => {
    const pools = new Pools();
    const leave = () => {
      const endpoint = endpointAt('a:1');
      const connection = connectionOf(pools, endpoint);
      pools.put(connection, 1);
      expect(pools.take(endpoint, undefined)).to.equal(connection);
      endpoint.leavesAt = 1;
      pools.close(endpoint);
      expect(pools.put(connection, 1)).to.equal(false);
      return new WeakRef(endpoint);
    };
    const left = leave();
    await turnsEnd();
    gc();
    expect(left.deref()).to.equal(undefined);
    expect(pools.count()).to.equal(0);
  });
});
