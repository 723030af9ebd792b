import type { Measured } from '../../bench/measure.ts';

/** What a row on the cold path asks for each request: one user, one list, eight analytics rows. */
export const cold = { upstream: 1, users: 1, analytics: 8, redis: 0 };

/** A window with 50 µs of server CPU and 20 µs of Postgres's for each of 10,000 requests. */
export const row = (name: string, round: number, changes: Partial<Measured> = {}): Measured => ({
  name, round, requests: 10_000, rps: 10_000, bytes: 1_300, p50Ms: 2, p99Ms: 4, errors: 0, serverCpu: 0.5, postgresCpu: 0.2, redisCpu: 0,
  stubCpu: 0.1, collectorCpu: 0, loadCpu: 0.1, traceBytes: 0, cores: [90, 80], others: 1, sampled: 10, whole: 10, healthMs: 20,
  firstMs: 30, peakMiB: 100, asks: cold, ...changes,
});
