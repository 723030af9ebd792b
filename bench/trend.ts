/** What one look into the service showed, after its garbage was collected. Bytes. */
export interface Sample {
  readonly requests: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
  /** What keeps the event loop alive: sockets, timers, servers. */
  readonly handles: number;
}

export type Measure = 'heapUsed' | 'external' | 'rss' | 'handles';

/** A twentieth more is no growth, and neither is a little of something small: buffers come and go, and so do Postgres's two pools of 20. */
const allowed = 1.05;
const littleOf: Record<Measure, number> = { heapUsed: 1 << 20, external: 1 << 20, rss: 4 << 20, handles: 45 };

const allMeasures: readonly Measure[] = ['heapUsed', 'external', 'rss', 'handles'];

export interface Trend {
  readonly measure: Measure;
  readonly from: number;
  readonly to: number;
  readonly verdict: 'FLAT' | 'GROWING';
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The median of the last three samples beside that of the third to the fifth: by then caches and pools are full. */
export function trends(samples: readonly Sample[], measures: readonly Measure[] = allMeasures): Trend[] {
  if (samples.length < 8) throw new Error(`expected at least 8 samples, of which the third to the fifth are not the last three, but got ${samples.length}`);
  return measures.map((measure) => {
    const values = samples.map((sample) => sample[measure]);
    const from = median(values.slice(2, 5));
    const to = median(values.slice(-3));
    return { measure, from, to, verdict: to > Math.max(from * allowed, from + littleOf[measure]) ? 'GROWING' : 'FLAT' };
  });
}
