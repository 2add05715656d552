import { type AdminReply, type AdminRequest, LOG_LEVELS, type Logger } from '@outrigger/core';

export function readLevel({ level }: Logger): AdminReply {
  return { body: { level } };
}

/** `POST /logging?level=`: every logger of the sidecar and its plugins shares its level with this one. */
export function setLevel({ query }: AdminRequest, logger: Logger): AdminReply {
  const asked = query.get('level');
  const level = LOG_LEVELS.find((one) => one === asked);
  if (level === undefined) {
    const told = asked === null ? 'level is missing' : `level is "${asked}"`;
    return { status: 400, body: { error: `${told}; expected one of ${LOG_LEVELS.join(', ')}` } };
  }
  const before = logger.level;
  // Whoever reads the log wonders why it changes its tone: this is told at every level but `error`, old or new.
  if (before === 'error') logger.level = level;
  if (before !== level) logger.warn('the log level was changed on the admin address', { from: before, to: level });
  logger.level = level;
  return readLevel(logger);
}
