import cluster from 'node:cluster';
import type { Relay } from '../cache/cache.ts';
import { type FromWorker, read } from './worker-messages.ts';

/**
 * How the workers of one machine tell each other what is outdated, by way of the supervisor. One that is about to start or
 * to end may not hear it. Undefined where this process is not one worker among others.
 */
export function workerBus(): Relay | undefined {
  const { worker } = cluster;
  if (!worker) return undefined;
  return {
    tell(tags) {
      // Without a supervisor the others end as well, so nobody is left who would have to hear it.
      if (worker.isConnected()) worker.send({ about: 'forget', tags } satisfies FromWorker, undefined, () => undefined);
    },
    listen(heard) {
      worker.on('message', (message: unknown) => {
        const said = read(message);
        if (said?.about === 'forget') heard(said.tags);
      });
    },
  };
}
