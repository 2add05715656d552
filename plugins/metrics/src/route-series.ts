import { type Histogram, type ListenerInfo, type Route, routePattern, type Session } from '@outrigger/core';
import { DurationTable } from './duration-table.ts';
import type { Histograms } from './http-instruments.ts';
import type { Totals } from './listener-totals.ts';
import { METHODS, methodIndex } from './methods.ts';

/** The series of a route, or of what a listener gets that has none. */
export class RouteSeries {
  readonly listener: string;
  readonly route: string;
  readonly totals: Totals;
  readonly #durations: DurationTable;

  constructor(listener: ListenerInfo, route: Route | undefined, server: Histograms, totals: Totals) {
    this.listener = listener.name;
    this.route = route?.name ?? '';
    this.totals = totals;
    const pattern = (route && routePattern(route)) ?? '';
    const scheme = listener.protocol;
    this.#durations = new DurationTable((row, status, error) => {
      const version = row & 1 ? '1.0' : '1.1';
      const code = status === 0 ? '' : String(status);
      return server.with(this.listener, this.route, pattern, scheme, METHODS[row >> 1]!, version, code, error);
    });
  }

  /** `status` is 0 where none went down. */
  duration({ request }: Session, status: number, error: string | undefined): Histogram {
    const row = methodIndex(request.method) * 2 + (request.version === '1.0' ? 1 : 0);
    return this.#durations.at(row, status, error);
  }
}
