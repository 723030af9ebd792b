/**
 * Loaded into the service under soak (`--expose-gc --import`). On SIGUSR2 it collects the garbage and adds a line to the file
 * SOAK_OUT; at the samples that SOAK_SNAPSHOTS names ("3,10") it writes the heap beside it first.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeHeapSnapshot } from 'node:v8';

const out = process.env['SOAK_OUT'] ?? '';
const snapshots = (process.env['SOAK_SNAPSHOTS'] ?? '').split(',');
let samples = 0;

async function sample(): Promise<void> {
  samples++;
  // Twice, and with a pause: what finalizers let go of is garbage only then.
  globalThis.gc?.();
  await sleep(50);
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const line = { heapUsed, external, rss, handles: process.getActiveResourcesInfo().length };
  if (snapshots.includes(String(samples))) writeHeapSnapshot(`${out}.${samples}.heapsnapshot`);
  appendFileSync(out, `${JSON.stringify(line)}\n`);
}

process.on('SIGUSR2', () => { void sample(); });
