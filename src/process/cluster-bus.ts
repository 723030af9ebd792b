import cluster from 'node:cluster';
import { type FromWorker, read } from './worker-messages.ts';

/** How the workers of one machine tell each other what is outdated, where no shared tier does. */
export interface WorkerBus {
  /** Tells all other workers, by way of the supervisor. One that is about to start or to end may not hear it. */
  tell(tags: readonly string[]): void;
  /** From now on `heard` is called with what the others tell. */
  listen(heard: (tags: readonly string[]) => void): void;
}

/** The bus of this process; undefined where it is not one worker among others. */
export function workerBus(): WorkerBus | undefined {
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
