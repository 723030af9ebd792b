import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { observeCpu, observeGcPause, observeHeap, observeResident } from '../core/metrics.ts';

/** From now on the figures of this process are told. */
export function observeProcess(): void {
  observeCpu(() => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  observeResident(() => process.memoryUsage.rss());
  observeHeap(() => getHeapStatistics().used_heap_size);
  let pausedMs = 0;
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) pausedMs += duration; }).observe({ entryTypes: ['gc'] });
  observeGcPause(() => pausedMs / 1_000);
}
