import { type AdminDetails, createSlot, type Session, type Slot } from '@outrigger/core';
import { rounded } from './rounded.ts';

/** How many messages there had been at the last point, and how many per second up to it. */
interface Rates {
  received: number;
  sent: number;
  receivedPerSecond: number;
  sentPerSecond: number;
}

/** Of a WebSocket that had messages when a point was taken. */
const rates: Slot<Rates> = createSlot('message-rates');

/** Reads how many messages a WebSocket has had: once a point, `seconds` after the one before. */
export function takeRates(session: Session, seconds: number): void {
  const { messagesReceived, messagesSent } = session;
  let own = session.state(rates);
  if (own === undefined) {
    if (messagesReceived + messagesSent === 0) return;
    own = { received: 0, sent: 0, receivedPerSecond: 0, sentPerSecond: 0 };
    session.setState(rates, own);
  }
  own.receivedPerSecond = (messagesReceived - own.received) / seconds;
  own.sentPerSecond = (messagesSent - own.sent) / seconds;
  own.received = messagesReceived;
  own.sent = messagesSent;
}

const PER_SECOND = { type: 'number', minimum: 0 };

/** For `/sessions`: messages per second of each WebSocket, up to the last point. One that is younger had none there. */
export const messageRates: AdminDetails = {
  session(session) {
    if (session.websocket === undefined) return undefined;
    const { receivedPerSecond = 0, sentPerSecond = 0 } = session.state(rates) ?? {};
    return { messagesPerSecond: { received: rounded(receivedPerSecond), sent: rounded(sentPerSecond) } };
  },
  schemas: {
    session: {
      messagesPerSecond: {
        type: 'object',
        properties: { received: PER_SECOND, sent: PER_SECOND },
        required: ['received', 'sent'],
        additionalProperties: false,
      },
    },
  },
};
