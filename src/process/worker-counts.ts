import cluster from 'node:cluster';
import { type Reading, readings } from '../core/meter.ts';
import { settlesWithin } from '../core/settles-within.ts';
import { type FromWorker, read } from './worker-messages.ts';

/** Above what the supervisor waits for the workers. Without its answer a worker tells of itself alone. */
const allMs = 1_000;

/** What is counted in all processes that serve together: a scrape reaches one worker, and nobody knows which. */
export function countsOfAll(): () => Promise<readonly Reading[]> {
  const { worker } = cluster;
  if (!worker) return () => Promise.resolve(readings());
  const tell = (message: FromWorker) => { if (worker.isConnected()) worker.send(message, undefined, () => undefined); };
  let waiting: ((all: readonly Reading[]) => void)[] = [];
  worker.on('message', (message: unknown) => {
    const said = read(message);
    if (said?.about === 'count') tell({ about: 'counted', readings: readings() });
    if (said?.about !== 'all counted') return;
    for (const hear of waiting) hear(said.readings);
    waiting = [];
  });
  return async () => {
    let all: readonly Reading[] | undefined;
    const heard = new Promise<void>((resolve) => {
      waiting.push((told) => {
        all = told;
        resolve();
      });
    });
    tell({ about: 'count all' });
    await settlesWithin(heard, allMs);
    return all ?? readings();
  };
}
