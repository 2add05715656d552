import { MESSAGE_SIZE_BOUNDS, MessageTally, type Side } from '@outrigger/core';
import type { Registry } from './registry.ts';

/** RFC 6455 §11.8. Closes are told by their codes. */
const OPCODES = [
  [1, 'text'],
  [2, 'binary'],
  [9, 'ping'],
  [10, 'pong'],
] as const;
const PING = 9;
const DIRECTIONS: readonly [from: Side, direction: 'received' | 'sent'][] = [
  ['downstream', 'received'],
  ['upstream', 'sent'],
];

/** What WebSockets carry, by route: their sessions count into tallies, which are read when somebody collects. */
export class MessageSeries {
  readonly #registry: Registry;
  /** By listener and by route. */
  readonly #tallies = new Map<string, Map<string, MessageTally>>();
  #reading: Disposable | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Once per WebSocket. `route` is empty where none matched. */
  of(listener: string, route: string): MessageTally {
    let routes = this.#tallies.get(listener);
    if (routes === undefined) {
      routes = new Map();
      this.#tallies.set(listener, routes);
    }
    let tally = routes.get(route);
    if (tally === undefined) {
      tally = new MessageTally();
      routes.set(route, tally);
    }
    return tally;
  }

  /** Messages so far; control frames are none. */
  *byListener(): Iterable<[listener: string, { readonly received: number; readonly sent: number }]> {
    for (const [listener, routes] of this.#tallies) {
      const sum = { received: 0, sent: 0 };
      for (const tally of routes.values())
        for (const [from, direction] of DIRECTIONS)
          sum[direction] += sumOf(tally.sizes(from, 1)) + sumOf(tally.sizes(from, 2));
      yield [listener, sum];
    }
  }

  start(): void {
    const labels = ['listener', 'route', 'direction', 'opcode'];
    const messages = this.#registry.counter('outrigger_websocket_messages_total', {
      doc: 'Whole WebSocket messages, Pings and Pongs that were passed on, from clients and to them; none on the bytes plane.',
      labels,
    });
    const bytes = this.#registry.counter('outrigger_websocket_message_bytes_total', {
      doc: 'Bytes of the payloads of these messages and control frames, as they travelled.',
      unit: 'By',
      labels,
    });
    const sizes = this.#registry.histogram('outrigger_websocket_message_size_bytes', {
      doc: 'Sizes of the payloads of WebSocket messages, text and binary, as they travelled.',
      unit: 'By',
      labels: ['listener', 'direction'],
      buckets: MESSAGE_SIZE_BOUNDS,
    });
    this.#reading = this.#registry.onCollect(() => {
      for (const instrument of [messages, bytes, sizes]) instrument.forget();
      for (const [listener, routes] of this.#tallies) {
        for (const [route, tally] of routes) {
          for (const [from, direction] of DIRECTIONS) {
            for (const [opcode, name] of OPCODES) {
              const counts = tally.sizes(from, opcode);
              const sum = tally.bytes(from, opcode);
              messages.with(listener, route, direction, name).add(sumOf(counts));
              bytes.with(listener, route, direction, name).add(sum);
              if (opcode < PING) sizes.with(listener, direction).addAll(counts, sum);
            }
          }
        }
      }
    });
  }

  stop(): void {
    this.#reading?.[Symbol.dispose]();
  }
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
