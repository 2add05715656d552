import { performance } from 'node:perf_hooks';

/** A stream that has something to send. */
export interface Sender {
  /** Sends what was written so far; nothing, where that has gone out already. Never throws. */
  flush(): void;
}

/** So many streams wait at most: with more than that ready at once, the first ones would wait longer than the last ones save. */
const MOST = 32;

/** A turn of more than so many streams is worth its end; with fewer, one's peer could be at work while the next one is read. */
const FEW = 2;

/** After so many turns of few in a row the loop is quiet… */
const QUIET_AFTER = 8;

/** …for so many events: then turns are counted anew. */
const QUIET_FOR = 64;

let waiting: Sender[] = [];
let behind: (() => void)[] = [];
let scheduled = false;
let fewInARow = 0;
/** What so many events have written goes out right behind each of them. */
let quiet = 0;
/** Monotonic milliseconds, as of the first time that this turn was asked for them; 0: it was not. */
let asked = 0;
const settled = Promise.resolve();

/**
 * Has `sender`, which has its bytes by now, flushed when the event loop has handed out the events that it found, together with
 * all others. Small writes that follow each other at once find the process at their other end awake, where single ones wake it
 * each time: a sixth of what a request costs. HAProxy comes to the same by running its tasks behind its poll. Where there are
 * none to go together with, it is flushed behind the event in which it was written.
 */
export function sendAtTurnsEnd(sender: Sender): void {
  const count = waiting.push(sender);
  if (count >= MOST) {
    fewInARow = 0;
    flushOutbox();
  } else if (count > 1) return;
  else if (quiet > 0) {
    quiet--;
    void settled.then(flushOutbox);
  } else schedule();
}

/**
 * Sends what was written so far, where nothing is gained by waiting. For a session that has written all, and goes on with what
 * no peer waits for.
 */
export function flushIfQuiet(): void {
  if (quiet > 0) flushOutbox();
}

/**
 * Calls `task` once, at the end of this turn of the event loop, when what was written in it has gone out: the place for work of a
 * session that no peer waits for. `task` must not throw.
 */
export function behindWrites(task: () => void): void {
  behind.push(task);
  schedule();
}

/**
 * Monotonic milliseconds as of this turn of the event loop: read where the turn is first asked, for all events that it hands out. Most
 * of them were there by then, so it is no less true of them than a reading for each, which would count in how long the others took.
 */
export function timeOfTurn(): number {
  if (asked !== 0) return asked;
  const now = performance.now();
  // A quiet loop does not look for the ends of its turns.
  if (quiet > 0) return now;
  asked = now;
  schedule();
  return now;
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  scheduled = false;
  asked = 0;
  const { length } = waiting;
  if (length > FEW) fewInARow = 0;
  else if (length > 0 && ++fewInARow === QUIET_AFTER) {
    fewInARow = 0;
    quiet = QUIET_FOR;
  }
  flushOutbox();
  if (behind.length === 0) return;
  const tasks = behind;
  behind = [];
  for (let i = 0; i < tasks.length; i++) tasks[i]!();
}

/** Flushes all that wait. */
export function flushOutbox(): void {
  const senders = waiting;
  waiting = [];
  for (let i = 0; i < senders.length; i++) senders[i]!.flush();
}
