import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';

/** As many as one could ever want on one machine; a typing error must not fork thousands. */
export const workersMax = 128;

/**
 * How many processes are to serve, by WORKERS: 0 is one for each core. What is no such number counts as one here: then
 * the process reads its whole configuration, and complains of it together with all else.
 */
export function workersIn(text: string | undefined, cores: () => number = availableParallelism): number {
  const given = text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 1;
  if (given > workersMax) return 1;
  return given === 0 ? cores() : given;
}

/** Whether this process starts others to serve, and does not serve itself. One alone needs nobody above it. */
export const supervises = (): boolean =>
  cluster.isPrimary && workersIn(process.env['WORKERS']) > 1 && !process.argv.includes('--print-config');
