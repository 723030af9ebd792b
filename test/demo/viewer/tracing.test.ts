import { expect, test } from 'vitest';
import { tracingTo, untraced } from '../../../demo/dev/viewer/tracing.ts';

test('a gateway sends all its traces to the page, soon', () => {
  expect(tracingTo('http://127.0.0.1:4318', { OTEL_TRACES_EXPORTER: '' })).toEqual({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_TRACES_SAMPLER: 'always_on', OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  expect(untraced({})).toBeUndefined();
});

test.each(['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_TRACES_EXPORTER', 'OTEL_CONFIG_FILE', 'OTEL_SDK_DISABLED'])('whoever sets %s means it, and the page says so', (name) => {
  expect(tracingTo('http://127.0.0.1:4318', { [name]: 'x' })).toEqual({});
  expect(untraced({ [name]: 'x' })).toContain(name);
});
