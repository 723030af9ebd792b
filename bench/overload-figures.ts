import { z } from 'zod';

/** What became of the requests that began in a tenth of a second. */
export const Bucket = z.object({
  began: z.number(),
  whole: z.number(),
  partial: z.number(),
  shed: z.number(),
  lost: z.number(),
  /** Of the answers with 200, in milliseconds. */
  ms: z.array(z.number()),
});
export type Bucket = z.infer<typeof Bucket>;

export const bucketsASecond = 10;

export interface Span {
  /** Answers with 200 in time, a second. */
  readonly goodput: number;
  /** Of them, how many lacked a part. */
  readonly partialShare: number;
  readonly offered: number;
  readonly shedShare: number;
  readonly lostShare: number;
  /** Of the answers, in milliseconds. */
  readonly p99: number;
}

/** What happened from one second to another. */
export function spanOf(all: readonly Bucket[], from: number, to: number): Span {
  const buckets = all.slice(from * bucketsASecond, to * bucketsASecond);
  const sum = (of: (bucket: Bucket) => number) => buckets.reduce((sum, bucket) => sum + of(bucket), 0);
  const good = sum(({ whole, partial }) => whole + partial);
  const began = sum((bucket) => bucket.began);
  const times = buckets.flatMap(({ ms }) => ms).toSorted((a, b) => a - b);
  return {
    goodput: good / (to - from),
    partialShare: good === 0 ? 0 : sum(({ partial }) => partial) / good,
    offered: began / (to - from),
    shedShare: sum(({ shed }) => shed) / began,
    lostShare: sum(({ lost }) => lost) / began,
    p99: times[Math.floor(times.length * 0.99)] ?? NaN,
  };
}

/** Of a service that has recovered, at least so many requests get a whole answer. */
const recoveredShare = 0.95;
/** For so long. */
const steadySeconds = 1;

/** Seconds after `from` until nearly all requests get whole answers again, and go on getting them for a second; undefined if they never do. */
export function recoverySeconds(all: readonly Bucket[], from: number): number | undefined {
  const start = from * bucketsASecond;
  const steady = steadySeconds * bucketsASecond;
  for (let at = start; at + steady <= all.length; at++) {
    const next = all.slice(at, at + steady);
    const began = next.reduce((sum, bucket) => sum + bucket.began, 0);
    if (began > 0 && next.reduce((sum, { whole }) => sum + whole, 0) >= recoveredShare * began) return (at - start) / bucketsASecond;
  }
  return undefined;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
