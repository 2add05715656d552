import { expect } from 'chai';
import type { Cause } from '../src/cause.ts';
import { errorType } from '../src/error-type.ts';

describe('the type of an error', () => {
  const cases: [status: number | undefined, cause: Cause | undefined, local: boolean, expected: string | undefined][] =
    [
      [200, 'complete', false, undefined],
      [404, 'complete', false, undefined],
      [500, 'complete', false, '500'],
      [101, undefined, false, undefined],
      [502, 'connect-refused', true, 'connect-refused'],
      [404, 'no-route', true, undefined],
      [200, 'upstream-aborted', false, 'upstream-aborted'],
      [undefined, 'downstream-reset', false, 'downstream-reset'],
    ];
  for (const [status, cause, local, expected] of cases)
    it(`of ${status} and ${cause}${local ? ', answered by us,' : ''} is ${expected}`, () => {
      expect(errorType(status, cause, local)).to.equal(expected);
    });
});
