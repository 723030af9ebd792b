// Starts the OpenTelemetry SDK before the service: node --import ./otel/start.ts src/main.ts
//
// Our own spans and no loader hook: instrumentations put batched and pipelined work into the first caller's trace,
// and a hook costs hundreds of milliseconds at start. Where traces go nowhere the SDK is not even loaded.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { supervises } from '../src/process/workers.ts';

const { env } = process;

// What was compiled when the bundle was built (build.ts) lies beside it. Where that is missing, stale or not to be
// written, Node compiles as always. NODE_COMPILE_CACHE goes before. The sources need none: they are not for production.
if (import.meta.filename.endsWith('.js')) enableCompileCache({ directory: join(import.meta.dirname, '../compiled'), portable: true });

// The kernel keeps from process 1 the signals it has no handler for: a container stopped before it listens would be
// killed only when its grace is over. Who serves or supervises takes over with its own end.
process.on('SIGTERM', () => process.exit(0));

// An empty variable counts as unset, as OpenTelemetry has it.
const wanted = ['OTEL_TRACES_EXPORTER', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_CONFIG_FILE'].some((name) => env[name]);

// A supervisor makes no spans: its workers do, and each has an SDK.
if (wanted && !supervises() && env['OTEL_SDK_DISABLED'] !== 'true' && env['OTEL_TRACES_EXPORTER'] !== 'none') {
  // Not the others: the host's warns where there is no machine id, as in containers, and the process's tells the command line.
  env['OTEL_NODE_RESOURCE_DETECTORS'] ||= 'service';
  env['OTEL_SERVICE_NAME'] ||= 'tributary';
  // Short, so that a trace is there to look at a second after its request; large, so that a burst is not dropped.
  env['OTEL_BSP_SCHEDULE_DELAY'] ||= '1000';
  env['OTEL_BSP_MAX_QUEUE_SIZE'] ||= '8192';
  env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'] ||= '1024';
  const { startNodeSdk } = await import('@opentelemetry/sdk-node');
  const { AlwaysOnSampler } = await import('@opentelemetry/sdk-trace');
  startNodeSdk({
    logLevel: env['OTEL_LOG_LEVEL'] || 'warn',
    instrumentations: [],
    // We read and write traceparent ourselves; baggage from outside goes nowhere.
    propagators: [],
    metricReaders: [],
    logRecordProcessors: [],
    // Which requests are sampled is decided before the SDK is asked (src/http/trace-context.ts): whatever reaches it is.
    sampler: new AlwaysOnSampler(),
  });
}
