import type { EndpointWeight } from '@outrigger/core';
import type { LimitSettings } from './settings.ts';

/** `limits.endpoint` (HAProxy's `maxconn` of a server): who has as many as that is passed over. It changes no weight. */
export const endpointLimits: EndpointWeight = {
  factor: () => 1,
  onChange() {},
  full({ settings }) {
    const limits = (settings['limits'] as LimitSettings | undefined)?.endpoint;
    if (limits?.requests === undefined && limits?.streams === undefined) return undefined;
    const { requests = Number.POSITIVE_INFINITY, streams = Number.POSITIVE_INFINITY } = limits;
    return (endpoint, { kind }) => (kind === 'http' ? endpoint.requests >= requests : endpoint.streams >= streams);
  },
};
