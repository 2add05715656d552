// `@outrigger/core/otlp`: what plugins that export by OTLP share. Loaded by those that do, and by nothing else.

export { type Environment, type EnvironmentReader, environmentReader, isHttpUrl } from './environment.ts';
export { ExporterEnvironment, OTLP_PROTOCOLS, type OtlpProtocol, type OtlpSignal } from './exporter-environment.ts';
export { type ExportConfig, GrpcExport } from './grpc-export.ts';
export { Fields } from './protobuf-fields.ts';
