// Ends a WebSocket with 1008 when the credential that opened it expires. What checks the credential, in front of this sidecar or
// in another plugin, says when that is; a message `renew <seconds since 1970>` from the client moves it, as an example: check a
// new token there.
import { ConnectionHooks, definePlugin, type Message, reject, type Session } from '@outrigger/core';

export default definePlugin({
  name: 'credentials',
  config: {
    header: {
      doc: 'Header with the end of the credential, in seconds since 1970.',
      format: String,
      default: 'x-token-expires',
    },
  },
  bind(bind, { header }) {
    bind(ConnectionHooks).toConstantValue({
      onUpgrade(session: Session) {
        const told = session.request.headers.get(header);
        // Who says nothing has a credential that does not expire.
        if (told === undefined) return undefined;
        const expiresAt = Number(told) * 1_000;
        if (Number.isNaN(expiresAt)) return reject(400, `${header} is not a number of seconds`);
        session.expiresAt = expiresAt;
        return undefined;
      },
      // Frames pass untouched for everybody else.
      watchesMessages: (session: Session) => session.expiresAt !== undefined,
      onMessage(session: Session, message: Message) {
        const renewed = message.from === 'downstream' && /^renew (\d+)$/.exec(message.data.toString());
        if (!renewed) return undefined;
        session.expiresAt = Number(renewed[1]) * 1_000;
        return 'drop';
      },
    });
  },
});
