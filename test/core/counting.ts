import { readings } from '../../src/core/meter.ts';

/** A series as it is now: of a histogram, how many values were recorded. 0 where there is none. */
export function seriesNow(name: string, ...values: string[]): number {
  const point = readings().find(({ about }) => about.name === name)?.points.find((one) => one.values.join() === values.join());
  if (!point) return 0;
  return point.counts.length > 0 ? point.counts.reduce((sum, count) => sum + count, 0) : point.value;
}

/** By how much a series has grown since this was made: all tests of a file count into the same ones. */
export function growth(name: string, ...values: string[]): () => number {
  const before = seriesNow(name, ...values);
  return () => seriesNow(name, ...values) - before;
}
