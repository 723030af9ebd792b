import cluster from 'node:cluster';
import { once } from 'node:events';
import { readings } from '../core/meter.ts';
import { settlesWithin } from '../core/settles-within.ts';
import { type FromWorker, read } from './worker-messages.ts';

/** The longest that the supervisor is waited for at the end. */
const leaveMs = 1_000;

export interface Orders {
  end(): void;
  retire(): void;
  /** The supervisor is gone, and with it the sockets that it listened on for all. */
  orphaned(): void;
}

/** A worker's line to its supervisor; undefined where there is none, since the process serves alone. */
export function workerLink() {
  const { worker } = cluster;
  if (!worker) return undefined;
  return {
    /** Tells that this worker listens, and from now on does as it is told. */
    listening(endsWithinMs: number, orders: Orders): void {
      worker.on('message', (message: unknown) => {
        const said = read(message);
        if (said?.about === 'end') orders.end();
        if (said?.about === 'retire') orders.retire();
      });
      worker.on('disconnect', () => {
        if (worker.exitedAfterDisconnect) return;
        // Else Node would end the process in this very moment.
        worker.exitedAfterDisconnect = true;
        orders.orphaned();
      });
      // It may have died a moment ago, and a message to it fails.
      worker.on('error', () => undefined);
      // For the supervisor alone; but who sends it to a whole group of processes must not kill the workers.
      process.on('SIGHUP', () => undefined);
      worker.send({ about: 'listening', endsWithinMs } satisfies FromWorker, undefined, () => undefined);
    },

    /**
     * Resolves when nothing can come from the supervisor any more. It may hand over a connection in the moment in which
     * a worker stops listening: Node gives it back, if the process lives long enough.
     */
    async leave(): Promise<void> {
      if (!worker.isConnected()) return;
      const gone = once(process, 'disconnect');
      // The last word on what this worker has counted, since nobody can ask it any more.
      worker.send({ about: 'counted', readings: readings() } satisfies FromWorker, undefined, () => undefined);
      worker.disconnect();
      await settlesWithin(gone, leaveMs);
    },
  };
}
