// The JSON Schema of what /overview answers.

const NUMBER = { type: 'number', minimum: 0 };
const NUMBER_OR_NULL = { type: ['number', 'null'], minimum: 0 };
const SERIES = { type: 'array', items: NUMBER };
const SERIES_WITH_GAPS = { type: 'array', items: NUMBER_OR_NULL };
const REQUESTS = object({
  perSecond: NUMBER,
  successRatio: NUMBER_OR_NULL,
  p50Seconds: NUMBER_OR_NULL,
  p95Seconds: NUMBER_OR_NULL,
  p99Seconds: NUMBER_OR_NULL,
});
const COURSES = object({
  perSecond: SERIES,
  failedPerSecond: SERIES,
  successRatio: SERIES_WITH_GAPS,
  p50Seconds: SERIES_WITH_GAPS,
  p95Seconds: SERIES_WITH_GAPS,
  p99Seconds: SERIES_WITH_GAPS,
  open: SERIES,
});
const STREAMS = { open: NUMBER, openedPerSecond: NUMBER };
/** Of a cluster or an endpoint: messages are counted by listener. */
const UPSTREAM = { requests: REQUESTS, webSockets: object(STREAMS), series: COURSES };
const LISTENER = object({
  ...UPSTREAM,
  webSockets: object({ ...STREAMS, messagesPerSecond: object({ received: NUMBER, sent: NUMBER }) }),
});
/** What `/overview` answers. */
export const OVERVIEW = object({
  at: { type: 'string', format: 'date-time' },
  windowSeconds: NUMBER,
  pointSeconds: NUMBER,
  seriesSeconds: NUMBER,
  points: { type: 'array', items: { type: 'string', format: 'date-time' } },
  total: LISTENER,
  listeners: byName(LISTENER),
  clusters: byName(object({ ...UPSTREAM, endpoints: byName(object(UPSTREAM)) })),
});

function object(properties: Readonly<Record<string, object>>) {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

function byName(schema: object) {
  return { type: 'object', additionalProperties: schema };
}
