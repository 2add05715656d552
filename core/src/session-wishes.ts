import { createSlot, type Slot } from './session.ts';

// What a plugin may wish of the choice of an endpoint. To be set up to `onRoute`: `session.setState(stickTo, address)`.

/** Address of the endpoint that the session should go to: it does so long as that may be picked and was not tried. */
export const stickTo: Slot<string> = createSlot('stick-to');

/** What hashing policies hash, whatever their settings say. */
export const hashKey: Slot<string> = createSlot('hash-key');
