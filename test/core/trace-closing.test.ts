import { metrics, trace as api } from '@opentelemetry/api';
import { expect, test, vi } from 'vitest';
import { closeTelemetry, isRecording } from '../../src/core/trace.ts';
import { fakeTime, pass, watch } from './fake-time.ts';

fakeTime();

function provider(shutdown: () => Promise<void>): void {
  api.disable();
  api.setGlobalTracerProvider(Object.assign({ getTracer: (name: string) => api.getTracer(name) }, { shutdown }));
}

test('without an SDK nothing is recorded, and there is nothing to wait for', async () => {
  api.disable();
  expect(isRecording()).toBe(false);
  await closeTelemetry(2_000);
  expect(vi.getTimerCount()).toBe(0);
});

test('closing waits until what was recorded has left', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  provider(() => promise);
  const closed = watch(closeTelemetry(2_000));
  await pass(1_999);
  expect(closed.now).toEqual({ state: 'pending' });
  resolve();
  await pass(0);
  expect(closed.now).toMatchObject({ state: 'answered', atMs: 1_999 });
});

test('closing does not wait for ever', async () => {
  provider(() => new Promise(() => {}));
  const closed = watch(closeTelemetry(2_000));
  await pass(2_000);
  expect(closed.now).toMatchObject({ state: 'answered', atMs: 2_000 });
});

test('traces that cannot leave hold nothing up', async () => {
  provider(() => Promise.reject(new Error('the collector is away')));
  await expect(closeTelemetry(2_000)).resolves.toBeUndefined();
});

test('what was counted leaves as well, though traces do not', async () => {
  provider(() => Promise.reject(new Error('the collector is away')));
  const { promise, resolve } = Promise.withResolvers<void>();
  metrics.setGlobalMeterProvider(Object.assign(metrics.getMeterProvider(), { shutdown: () => promise }));
  const closed = watch(closeTelemetry(2_000));
  await pass(1_000);
  expect(closed.now).toEqual({ state: 'pending' });
  resolve();
  await pass(0);
  expect(closed.now).toMatchObject({ state: 'answered', atMs: 1_000 });
  metrics.disable();
});
