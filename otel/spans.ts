import { createNoopMeter, type Meter, type MeterProvider } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { spansDropped } from '../src/core/metrics.ts';
import { byProtocol, numberIn } from './otlp.ts';

/** Sends spans in batches, and counts those that it could not keep or send. */
export const spanProcessor = (): SpanProcessor => new BatchSpanProcessor({
  exporter: byProtocol('TRACES', {
    'http/protobuf': () => new ProtobufExporter(),
    'http/json': () => new JsonExporter(),
    grpc: () => new GrpcExporter(),
  }),
  selfObsMeterProvider: dropCounting,
  // Short, so that a trace is there to look at a second after its request; large, so that a burst is not dropped.
  scheduledDelayMillis: numberIn('OTEL_BSP_SCHEDULE_DELAY', 1_000),
  maxQueueSize: numberIn('OTEL_BSP_MAX_QUEUE_SIZE', 8_192),
  maxExportBatchSize: numberIn('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1_024),
  // The SDK's own.
  exportTimeoutMillis: numberIn('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
});

/** What the processor tells about each span that it is done with, its queue having been full or its export having failed. */
const processed = 'otel.sdk.processor.span.processed';

const dropCounting: MeterProvider = {
  getMeter(): Meter {
    const meter = createNoopMeter();
    const ignored = meter.createCounter('');
    const dropped: typeof ignored = { add: (spans, attributes) => { if (attributes?.['error.type'] !== undefined) spansDropped.add(spans); } };
    return Object.assign(meter, { createCounter: (name: string) => (name === processed ? dropped : ignored) });
  },
};
