import { type HrTime, ValueType } from '@opentelemetry/api';
import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { emptyResource } from '@opentelemetry/resources';
import { AggregationTemporality, type CollectionResult, type DataPoint, DataPointType, type MetricData, type MetricReader, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { type Point, readings, type Reading } from '../src/core/meter.ts';
import { byProtocol, numberIn } from './otlp.ts';

/** Sends what src/core/metrics.ts counts, once a minute unless the environment says otherwise. */
export function metricReader(): MetricReader {
  const exportIntervalMillis = numberIn('OTEL_METRIC_EXPORT_INTERVAL', 60_000);
  return new PeriodicExportingMetricReader({
    exporter: byProtocol<PushMetricExporter>('METRICS', {
      'http/protobuf': () => new ProtobufExporter(),
      'http/json': () => new JsonExporter(),
      grpc: () => new GrpcExporter(),
    }),
    // The way that OpenTelemetry has for what is counted elsewhere.
    metricProducers: [{ collect }],
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(numberIn('OTEL_METRIC_EXPORT_TIMEOUT', 30_000), exportIntervalMillis),
  });
}

const collect = (): Promise<CollectionResult> => Promise.resolve({
  // The reader puts the SDK's in its place.
  resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: { name: 'tributary' }, metrics: readings().map(dataOf) }] },
  errors: [],
});

const startTime = timeOf(performance.timeOrigin);

function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

function dataOf({ about, points }: Reading): MetricData {
  const { name, help, unit, kind, labels, bounds } = about;
  const endTime = timeOf(Date.now());
  const of = <T>(valueOf: (point: Point) => T): DataPoint<T>[] => points.map((point) => ({
    startTime, endTime, value: valueOf(point),
    attributes: Object.fromEntries(point.values.flatMap((value, at) => (value === '' ? [] : [[labels[at]!, value]]))),
  }));
  const common = { descriptor: { name, description: help, unit, valueType: ValueType.DOUBLE }, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  if (kind === 'counter') return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: of(({ value }) => value) };
  if (kind === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: of(({ value }) => value) };
  return {
    ...common,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: of(({ value, counts }) => ({ buckets: { boundaries: [...bounds], counts: [...counts] }, sum: value, count: counts.reduce((sum, count) => sum + count, 0) })),
  };
}
