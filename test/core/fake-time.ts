import { afterEach, beforeEach, expect, vi } from 'vitest';

// Taken at import, before any test fakes time.
const { setImmediate: soon } = globalThis;

/** Fakes time in every test of a file, and fails the tests that leave a timer behind; `graceMs` is what a timer may outlive its test by. */
export function fakeTime(graceMs = 0): void {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => {
    vi.advanceTimersByTime(graceMs);
    const left = vi.getTimerCount();
    vi.useRealTimers();
    expect(left, 'timers left behind').toBe(0);
  });
}

/** Lets time pass, and with it everything that promises have to do. */
export const pass = async (ms: number): Promise<void> => { await vi.advanceTimersByTimeAsync(ms); };

/** Resolves when promises have nothing left to do. No time passes. */
export const settled = (): Promise<void> => new Promise((resolve) => { soon(resolve); });

/** How a promise stands, to look at without waiting for it. */
export type Watched<T> =
  | { state: 'pending' }
  | { state: 'answered'; value: T; atMs: number }
  | { state: 'failed'; error: unknown; atMs: number };

/** Watches a promise, so that its rejection counts as handled; `atMs` is when it settled, from now on. */
export function watch<T>(promise: Promise<T>): { now: Watched<T> } {
  const startedAt = performance.now();
  const watched: { now: Watched<T> } = { now: { state: 'pending' } };
  promise.then(
    (value) => { watched.now = { state: 'answered', value, atMs: performance.now() - startedAt }; },
    (error: unknown) => { watched.now = { state: 'failed', error, atMs: performance.now() - startedAt }; },
  );
  return watched;
}
