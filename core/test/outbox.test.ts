import { setImmediate as turnsEnd } from 'node:timers/promises';
import { expect } from 'chai';
import { behindWrites, flushOutbox, sendAtTurnsEnd } from '../src/outbox.ts';

const sender = (order: string[], name: string) => ({ flush: () => void order.push(name) });

describe('the outbox', () => {
  it('sends at the end of the turn, and calls what is behind the writes after all of them, however they came', async () => {
    const order: string[] = [];
    behindWrites(() => order.push('behind 1'));
    sendAtTurnsEnd(sender(order, 'write 1'));
    behindWrites(() => order.push('behind 2'));
    sendAtTurnsEnd(sender(order, 'write 2'));
    expect(order).to.deep.equal([]);
    await turnsEnd();
    expect(order).to.deep.equal(['write 1', 'write 2', 'behind 1', 'behind 2']);
  });

  it('calls what is behind the writes once, where nothing was written, too', async () => {
    const order: string[] = [];
    behindWrites(() => {
      order.push('behind');
      behindWrites(() => order.push('a turn later'));
    });
    await turnsEnd();
    expect(order).to.deep.equal(['behind']);
    await turnsEnd();
    expect(order).to.deep.equal(['behind', 'a turn later']);
    await turnsEnd();
    expect(order).to.have.length(2);
  });

  it('sends before the turn is over where it is asked to, or 32 wait, and calls nothing then', async () => {
    const order: string[] = [];
    behindWrites(() => order.push('behind'));
    sendAtTurnsEnd(sender(order, 'asked'));
    flushOutbox();
    expect(order).to.deep.equal(['asked']);
    for (let i = 1; i <= 32; i++) sendAtTurnsEnd(sender(order, `${i}`));
    expect(order).to.have.length(33);
    await turnsEnd();
    expect(order.slice(33)).to.deep.equal(['behind']);
  });
});
