import { diag } from '@opentelemetry/api';

type Protocol = 'http/protobuf' | 'http/json' | 'grpc';

/** By the protocol that the environment names for this signal, or for all. One that nobody knows is http/protobuf, as the SDK has it. */
export function byProtocol<T>(signal: 'TRACES' | 'METRICS', exporters: Readonly<Record<Protocol, () => T>>): T {
  const { env } = process;
  const named = (env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf').trim();
  if (Object.hasOwn(exporters, named)) return exporters[named as Protocol]();
  diag.warn(`expected the OTLP protocol to be one of ${Object.keys(exporters).join(', ')}, but got ${named}: http/protobuf it is`);
  return exporters['http/protobuf']();
}

/** A number above 0 of the environment. */
export function numberIn(name: string, otherwise: number): number {
  const given = Number(process.env[name] || otherwise);
  if (given > 0) return given;
  diag.warn(`expected ${name} to be a number above 0, but got ${process.env[name]}: ${otherwise} it is`);
  return otherwise;
}
