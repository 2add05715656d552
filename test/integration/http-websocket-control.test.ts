import type { ConnectionHooks } from '@outrigger/core';
import { expect } from 'chai';
import { frame, framesOf, framesOfSoFar, messagesOf } from '../support/frames.ts';
import { eventually, passUntil, turns } from '../support/virtual-time.ts';
import { otherSide, WebSocketPair as Pair, SIDES } from '../support/websocket-pair.ts';

const code = (payload: Buffer) => [payload.readUInt16BE(0), payload.subarray(2).toString()];
const closeFrame = (status: number, reason: string, masked: boolean) =>
  frame(8, Buffer.concat([Buffer.from([status >> 8, status & 255]), Buffer.from(reason)]), { masked });

for (const plane of ['frames', 'messages'] as const) {
  const planeHooks: ConnectionHooks = plane === 'messages' ? { onMessage: () => undefined } : {};

  describe(`a WebSocket in the hands of a hook, on the plane of ${plane}`, () => {
    let pair: Pair;
    beforeEach(() => {
      pair = new Pair();
    });
    afterEach(() => pair.close());

    for (const from of SIDES) {
      const masked = from === 'downstream';

      it(`can ping both sides at every byte of what comes from ${from}, and no frame is torn`, async () => {
        await pair.open(planeHooks);
        const long = 'x'.repeat(200);
        const stream = Buffer.concat([
          frame(1, 'one', { fin: false, masked }),
          frame(9, 'p', { masked }),
          frame(0, long, { fin: false, masked }),
          frame(0, '', { masked }),
          frame(2, Buffer.alloc(0), { masked }),
          frame(1, 'end', { masked }),
        ]);
        const answered = new Set<string>();
        for (let i = 0; i < stream.length; i++) {
          pair.send(from, stream.subarray(i, i + 1));
          await turns(2);
          pair.session.websocket!.ping('downstream');
          pair.session.websocket!.ping('upstream');
          await turns(2);
          for (const side of SIDES) {
            for (const { opcode, payload } of framesOfSoFar(pair.at(side))) {
              const ping = payload.toString('hex');
              if (opcode !== 9 || payload.length !== 8 || side === from || answered.has(ping)) continue;
              answered.add(ping);
              pair.send(side, frame(10, payload, { masked: side === 'downstream' }));
            }
          }
        }
        const messages = () => messagesOf(framesOfSoFar(pair.at(otherSide(from))));
        await eventually(() => messages().length === 3);
        expect(messages()).to.deep.equal([`one${long}`, '', 'end']);
        const frames = framesOfSoFar(pair.at(otherSide(from)));
        expect(frames.filter(({ opcode, payload }) => opcode === 9 && payload.toString() === 'p')).to.have.length(1);
        expect(frames.filter(({ opcode, payload }) => opcode === 9 && payload.length === 8).length).to.be.above(1);
        expect(pair.pongs).to.include(otherSide(from));
        expect(framesOfSoFar(pair.at(from)).every(({ opcode }) => opcode === 9)).to.equal(true);
      });

      it(`sends a message and a close only between the messages that come from ${from}`, async () => {
        await pair.open(planeHooks);
        pair.send(from, frame(1, 'a', { fin: false, masked }));
        await turns();
        const to = otherSide(from);
        pair.session.websocket!.send(to, 'ours', false);
        await turns();
        pair.send(from, frame(0, 'b', { fin: false, masked }));
        pair.send(from, frame(0, 'c', { masked }));
        await eventually(() => messagesOf(framesOfSoFar(pair.at(to))).length === 2);
        expect(messagesOf(framesOf(pair.at(to))).sort()).to.deep.equal(['abc', 'ours']);
        pair.send(from, frame(1, 'd', { fin: false, masked }));
        await turns();
        pair.session.websocket!.close(to, 4001, 'enough');
        pair.send(from, frame(0, 'e', { masked }));
        pair.send(from, frame(1, 'late', { masked }));
        await eventually(() => framesOfSoFar(pair.at(to)).some(({ opcode }) => opcode === 8));
        await eventually(() => framesOfSoFar(pair.at(from)).some(({ opcode }) => opcode === 8));
        for (const side of SIDES) pair.send(side, closeFrame(4001, '', side === 'downstream'));
        await pair.sidecar.runtime.sessions.none();
        const frames = framesOf(pair.at(to));
        expect(code(frames.at(-1)!.payload)).to.deep.equal([4001, 'enough']);
        expect(messagesOf(frames)).to.not.include('late');
        expect(pair.books.outcomes[0]!.undelivered).to.be.above(0);
      });

      it(`passes the code and the reason of a close from ${from}, and nothing behind it`, async () => {
        await pair.open(planeHooks);
        const to = otherSide(from);
        pair.send(
          from,
          Buffer.concat([frame(1, 'x', { masked }), closeFrame(3456, 'grüß', masked), frame(1, 'y', { masked })]),
        );
        await eventually(() => framesOfSoFar(pair.at(to)).some(({ opcode }) => opcode === 8));
        pair.send(
          to,
          Buffer.concat([frame(1, 'late', { masked: to === 'downstream' }), closeFrame(3456, '', to === 'downstream')]),
        );
        await pair.sidecar.runtime.sessions.none();
        const frames = framesOf(pair.at(to));
        expect(messagesOf(frames)).to.deep.equal(['x']);
        expect(code(frames.at(-1)!.payload)).to.deep.equal([3456, 'grüß']);
        const [outcome] = pair.books.outcomes;
        expect(outcome).to.include({ cause: 'complete', initiator: from, undelivered: 0 });
        await eventually(() => framesOfSoFar(pair.at(from)).some(({ opcode }) => opcode === 8));
        // Until its own close, the other side may go on (RFC 6455 §5.5.1).
        expect(messagesOf(framesOf(pair.at(from)))).to.deep.equal(['late']);
      });

      it(`hears a pong from ${from} only when what stands before it is out, so that it may answer with a message`, async () => {
        const to = otherSide(from);
        await pair.open({
          ...planeHooks,
          onPong: (session) => session.websocket!.send(to, 'after', false),
        });
        pair.session.websocket!.ping(from);
        await eventually(() => framesOfSoFar(pair.at(from)).length === 1);
        const [ping] = framesOf(pair.at(from));
        const large = frame(1, 'z'.repeat(3_000), { masked });
        pair.send(from, large.subarray(0, 1_000));
        await turns();
        pair.send(from, Buffer.concat([large.subarray(1_000), frame(10, ping!.payload, { masked })]));
        await eventually(() => framesOfSoFar(pair.at(to)).length === 2);
        expect(messagesOf(framesOf(pair.at(to)))).to.deep.equal(['z'.repeat(3_000), 'after']);
      });

      it(`ends by 5 s after a close that ${from} does not answer, and says so`, async () => {
        await pair.open(planeHooks);
        const to = otherSide(from);
        pair.send(to, closeFrame(1000, '', to === 'downstream'));
        const elapsed = await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
        expect(elapsed).to.be.within(5_000, 6_000);
        expect(pair.books.causes).to.deep.equal(['close-timeout']);
      });

      it(`gives ${otherSide(from)} its close after 5 s, where a message from ${from} never becomes whole`, async () => {
        await pair.open(planeHooks);
        const to = otherSide(from);
        pair.send(from, frame(1, 'half', { fin: false, masked }));
        await turns();
        pair.session.close('drain');
        await passUntil(pair.clock, () => pair.books.outcomes.length > 0);
        await turns();
        const frames = framesOf(pair.at(to));
        expect(frames.at(-1)!.opcode).to.equal(8);
        expect(code(frames.at(-1)!.payload)[0]).to.equal(1001);
        expect(pair.books.causes).to.deep.equal(['drain']);
      });
    }
  });
}
