import accessLog from '@outrigger/access-log';
import admin from '@outrigger/admin';
import type { SidecarConfiguration } from '@outrigger/config';
import type { Plugin } from '@outrigger/core';
import discovery from '@outrigger/discovery';
import health from '@outrigger/health';
import http from '@outrigger/http';
import https from '@outrigger/https';
import keepalive from '@outrigger/keepalive';
import metrics from '@outrigger/metrics';
import resilience from '@outrigger/resilience';
import routing from '@outrigger/routing';
import scheduling from '@outrigger/scheduling';
import tracing from '@outrigger/tracing';

/**
 * The plugins that are always there, in their fixed order: they come before those of the file, and an entry in `plugins:`
 * gives one of them its settings without moving it.
 */
export const BUILT_IN = [
  metrics,
  discovery,
  scheduling,
  health,
  keepalive,
  resilience,
  routing,
  http,
  https,
  tracing,
  accessLog,
  admin,
] as readonly Plugin[];

/** What stands at the root of the configuration and is some plugin's business: it joins that plugin's settings. */
export function rootSettings({ service, admin, probes }: SidecarConfiguration): Readonly<Record<string, object>> {
  const { name: serviceName } = service;
  return { metrics: { serviceName }, tracing: { serviceName }, admin: { admin, probes } };
}
