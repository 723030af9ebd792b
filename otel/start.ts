// Starts the OpenTelemetry SDK before the service: node --import ./otel/start.ts src/main.ts
//
// Our own spans and no loader hook: instrumentations put batched and pipelined work into the first caller's trace,
// and a hook costs hundreds of milliseconds at start. Where nothing leaves the process the SDK is not even loaded.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { supervises } from '../src/process/workers.ts';
import type { Wanted } from './sdk.ts';

const { env } = process;

// What was compiled when the bundle was built (build.ts) lies beside it. Where that is missing, stale or not to be
// written, Node compiles as always. NODE_COMPILE_CACHE goes before. The sources need none: they are not for production.
if (import.meta.filename.endsWith('.js')) enableCompileCache({ directory: join(import.meta.dirname, '../compiled'), portable: true });

// The kernel keeps from process 1 the signals it has no handler for: a container stopped before it listens would be
// killed only when its grace is over. Who serves or supervises takes over with its own end.
process.on('SIGTERM', () => process.exit(0));

/** An empty variable counts as unset, as OpenTelemetry has it. */
const isSet = (name: string): boolean => Boolean(env[name]);

const endpoint = isSet('OTEL_EXPORTER_OTLP_ENDPOINT');
const wanted: Wanted = {
  traces: env['OTEL_TRACES_EXPORTER'] !== 'none' && (endpoint || ['OTEL_TRACES_EXPORTER', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_CONFIG_FILE'].some(isSet)),
  // Where nobody pushes them they are there for Prometheus, without an SDK (src/http/metrics-text.ts).
  metrics: isSet('OTEL_METRICS_EXPORTER') ? env['OTEL_METRICS_EXPORTER']!.split(',').includes('otlp') : endpoint || isSet('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'),
};

// A supervisor makes no spans and counts nothing: its workers do, and each has an SDK.
if ((wanted.traces || wanted.metrics) && !supervises() && env['OTEL_SDK_DISABLED'] !== 'true') {
  const { startSdk } = await import('./sdk.ts');
  startSdk(wanted);
}
