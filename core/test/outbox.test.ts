import { setImmediate as turnsEnd } from 'node:timers/promises';
import { expect } from 'chai';
import { behindWrites, flushIfQuiet, flushOutbox, sendAtTurnsEnd, timeOfTurn } from '../src/outbox.ts';
import { WheelClock } from '../src/wheel-clock.ts';

const sender = (order: string[], name: string) => ({ flush: () => void order.push(name) });

/** Turns of three writes each until one is sent at its end: whatever went before. */
async function busy(): Promise<void> {
  for (let sent = 3; sent > 0; ) {
    const order: string[] = [];
    for (const name of ['1', '2', '3']) sendAtTurnsEnd(sender(order, name));
    await eventsEnd();
    sent = order.length;
    await turnsEnd();
  }
}

/** What Node does behind each event that it hands out. */
const eventsEnd = () => Promise.resolve();

/** As many turns as make the loop quiet, less one. */
async function sevenOfFew(): Promise<void> {
  for (let turn = 1; turn <= 7; turn++) {
    for (let write = 0; write <= turn % 2; write++) sendAtTurnsEnd(sender([], ''));
    await turnsEnd();
  }
}

/** One write; whether it went out behind its event, and not at the turn's end. */
async function sendOne(): Promise<boolean> {
  const order: string[] = [];
  sendAtTurnsEnd(sender(order, 'write'));
  await eventsEnd();
  const behindTheEvent = order.length === 1;
  await turnsEnd();
  expect(order).to.deep.equal(['write']);
  return behindTheEvent;
}

describe('the outbox', () => {
  beforeEach(busy);

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

  describe('where eight turns in a row had one or two writes', () => {
    it('sends behind the event for 64 of them, and counts anew then', async () => {
      await sevenOfFew();
      expect(await sendOne()).to.equal(false);
      for (let i = 0; i < 64; i++) expect(await sendOne(), `${i}`).to.equal(true);
      for (let i = 0; i < 8; i++) expect(await sendOne(), `${i}`).to.equal(false);
      expect(await sendOne()).to.equal(true);
    });

    it('sends together what one event has written, once', async () => {
      await sevenOfFew();
      await sendOne();
      const order: string[] = [];
      sendAtTurnsEnd(sender(order, '1'));
      sendAtTurnsEnd(sender(order, '2'));
      expect(order).to.deep.equal([]);
      await eventsEnd();
      expect(order).to.deep.equal(['1', '2']);
      await turnsEnd();
      expect(order).to.have.length(2);
    });

    it('calls what is behind the writes at the end of the turn as ever, and does not take that for a turn of few', async () => {
      await sevenOfFew();
      await sendOne();
      for (let i = 0; i < 64; i++) {
        const order: string[] = [];
        behindWrites(() => order.push('behind'));
        sendAtTurnsEnd(sender(order, 'write'));
        await eventsEnd();
        expect(order).to.deep.equal(['write']);
        await turnsEnd();
        expect(order).to.deep.equal(['write', 'behind']);
      }
      expect(await sendOne()).to.equal(false);
    });

    it('sends before the event is over where it is asked to, which a busy loop does not', async () => {
      const order: string[] = [];
      await sevenOfFew();
      sendAtTurnsEnd(sender(order, 'at the end'));
      flushIfQuiet();
      expect(order).to.deep.equal([]);
      await turnsEnd();
      sendAtTurnsEnd(sender(order, 'at once'));
      flushIfQuiet();
      expect(order).to.deep.equal(['at the end', 'at once']);
      await turnsEnd();
      expect(order).to.have.length(2);
    });
  });

  it('goes on until the end of the turn where one of eight had more', async () => {
    await sevenOfFew();
    await busy();
    expect(await sendOne()).to.equal(false);
  });

  it('takes a turn in which 32 went out before its end for a busy one', async () => {
    await sevenOfFew();
    for (let i = 1; i <= 33; i++) sendAtTurnsEnd(sender([], ''));
    await turnsEnd();
    expect(await sendOne()).to.equal(false);
  });

  describe('the time of a turn', () => {
    it('is read once, and anew in the next one', async () => {
      const before = performance.now();
      const first = timeOfTurn();
      expect(first).to.be.within(before, performance.now());
      while (performance.now() - first < 1);
      expect(timeOfTurn()).to.equal(first);
      await eventsEnd();
      expect(timeOfTurn()).to.equal(first);
      await turnsEnd();
      expect(timeOfTurn()).to.be.at.least(first + 1);
    });

    it('is what a clock that runs calls so', async () => {
      const clock = new WheelClock(() => {});
      const first = clock.turn();
      expect(first).to.equal(timeOfTurn());
      while (clock.now() - first < 1);
      expect(clock.turn()).to.equal(first);
      await turnsEnd();
      expect(clock.turn()).to.be.at.least(first + 1);
    });

    it('is read each time where the loop is quiet: there is no end of the turn to wait for', async () => {
      await sevenOfFew();
      await sendOne();
      const first = timeOfTurn();
      while (performance.now() - first < 1);
      expect(timeOfTurn()).to.be.at.least(first + 1);
    });
  });
});
