/** Whoever lived as long did not die of its start. */
const steadyMs = 10_000;
const firstMs = 100;
const mostMs = 5_000;

/**
 * How long to wait, in milliseconds, before the next worker takes the place of one that lived `livedMs`; `lastMs` is
 * what was waited before that one. Those that die young are replaced ever more slowly, so that a broken service does
 * not burn the machine with starts.
 */
export function pauseMs(livedMs: number, lastMs: number): number {
  if (livedMs >= steadyMs) return 0;
  return Math.min(Math.max(2 * lastMs, firstMs), mostMs);
}
