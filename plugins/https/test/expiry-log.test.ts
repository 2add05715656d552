import { type Logger, VirtualClock } from '@outrigger/core';
import { expect } from 'chai';
import type { Certificate } from '../src/certificate.ts';
import { ExpiryLog } from '../src/expiry-log.ts';

const DAY_MS = 24 * 3_600_000;

describe('the log of certificates that end', () => {
  it('tells of each once a day, from so many days on', () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    const at = (level: string) => (message: string) => void told.push(`${level} ${message}`);
    const log = new ExpiryLog(clock, { warn: at('warn'), error: at('error') } as unknown as Logger, 30 * DAY_MS);
    const certificate = {
      file: 'a.crt',
      fingerprint256: 'AA',
      notAfter: clock.wallTime() + 31.5 * DAY_MS,
    } as Certificate;
    const days: number[] = [];
    for (let hour = 0; hour < 33 * 24; hour++) {
      const before = told.length;
      log.look({ listener: 'edge' }, [certificate]);
      log.look({ listener: 'edge' }, [certificate]);
      if (told.length > before) days.push(hour / 24);
      clock.advance(3_600_000);
    }
    expect(days.slice(0, 3)).to.deep.equal([1.5, 2.5, 3.5]);
    expect(told).to.have.length(32);
    expect(told[0]).to.equal('warn a certificate expires soon');
    expect(told.at(-1)).to.equal('error a certificate has expired');
  });

  it('tells of one certificate at each place', () => {
    const told: object[] = [];
    const logger = { warn: (_: string, fields: object) => void told.push(fields) } as unknown as Logger;
    const log = new ExpiryLog(new VirtualClock(), logger, DAY_MS);
    const certificate = {
      file: 'a.crt',
      fingerprint256: 'AA',
      notAfter: new VirtualClock().wallTime() + 1,
    } as Certificate;
    for (const where of [{ listener: 'a' }, { cluster: 'a' }, { listener: 'b' }]) log.look(where, [certificate]);
    expect(told).to.have.length(3);
  });
});
