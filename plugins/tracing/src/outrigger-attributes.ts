import { keyOf } from './span-writer.ts';

// What the conventions have no name for.

export const CAUSE = keyOf('outrigger.cause');
export const CLUSTER = keyOf('outrigger.cluster');
export const GENERATION = keyOf('outrigger.generation');
export const LISTENER = keyOf('outrigger.listener');
export const ROUTE = keyOf('outrigger.route');
/** The session's id, which is the `x-request-id`: what the access log and `/sessions` call it. */
export const SESSION_ID = keyOf('outrigger.session.id');
