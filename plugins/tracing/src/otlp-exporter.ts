import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ExportTarget } from './environment.ts';
import type { SpanBatch } from './span-batches.ts';

/** Sends batches, one after the other. */
export interface SpanExporter {
  export(batch: SpanBatch, done: (result: ExportResult) => void): void;
  /** Waits for what is under way. */
  shutdown(): Promise<void>;
}

/** Sends spans by OTLP. What it takes for that is loaded when there is something to send: without a collector it costs nothing. */
export function otlpExporter(target: ExportTarget, resource: Resource): SpanExporter {
  let loaded: Promise<SpanExporter> | undefined;
  return {
    export(batch, done) {
      loaded ??= load(target, resource);
      loaded.then(
        (exporter) => exporter.export(batch, done),
        (error: Error) => done({ code: ExportResultCode.FAILED, error }),
      );
    },
    async shutdown() {
      await (await loaded)?.shutdown();
    },
  };
}

async function load(target: ExportTarget, resource: Resource): Promise<SpanExporter> {
  if (target.protocol !== 'grpc') return (await import('./otlp-http.ts')).otlpHttp(target, target.protocol, resource);
  return (await import('./otlp-grpc.ts')).otlpGrpc(target, resource);
}
