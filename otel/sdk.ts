import { startNodeSdk } from '@opentelemetry/sdk-node';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';
import { metricReader } from './metrics.ts';
import { spanProcessor } from './spans.ts';

/** What leaves this process. Each has an SDK only if it has somewhere to go. */
export interface Wanted {
  readonly traces: boolean;
  readonly metrics: boolean;
}

/** Starts the SDK by the variables of the environment, as OpenTelemetry defines them. */
export function startSdk({ traces, metrics }: Wanted): void {
  const { env } = process;
  // Not the others: the host's warns where there is no machine id, as in containers, and the process's tells the command line.
  env['OTEL_NODE_RESOURCE_DETECTORS'] ||= 'service';
  env['OTEL_SERVICE_NAME'] ||= 'tributary';
  const exporter = env['OTEL_TRACES_EXPORTER'] || 'otlp';
  startNodeSdk({
    logLevel: env['OTEL_LOG_LEVEL'] || 'warn',
    instrumentations: [],
    // We read and write traceparent ourselves; baggage from outside goes nowhere.
    propagators: [],
    metricReaders: metrics ? [metricReader()] : [],
    logRecordProcessors: [],
    // Which requests are sampled is decided before the SDK is asked (src/http/trace-context.ts): whatever reaches it is.
    sampler: new AlwaysOnSampler(),
    // Those of other exporters the SDK makes itself, and nobody counts what they drop.
    ...(traces ? (exporter === 'otlp' ? { spanProcessors: [spanProcessor()] } : {}) : { spanProcessors: [] }),
  });
}
