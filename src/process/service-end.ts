import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Clients, closeClients } from '../clients/clients.ts';
import { Failure } from '../core/failure.ts';
import { settlesWithin } from '../core/settles-within.ts';
import { closeTelemetry } from '../core/trace.ts';
import type { Edge } from '../http/edge.ts';
import { closeServer, lastWordsMs } from '../http/server.ts';
import type { Authenticating } from './authenticating.ts';
import type { Keeping } from './keeping.ts';

/** How long traces may take to leave at the end. */
const flushMs = 2_000;

/** How long the clients of a worker that is replaced may take to ask once more and hear that the connection closes. */
const retireMs = 5_000;

/** Above what is bounded: clients that close their connections. */
const slackMs = 5_000;

/** What everybody hears who is not answered by the end. */
const ending = new Failure('overloaded', 'this process ends, and the answer was not there in time: ask again');

/** What has to be closed. */
export interface Serving {
  readonly app: Server;
  readonly admin: Server;
  readonly edge: Edge;
  readonly clients: Clients;
  readonly keeping: Keeping | undefined;
  readonly authenticating: Authenticating | undefined;
  readonly log: Logger;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
}

/** Within how many milliseconds each of the ends below is over. */
export const endsWithinMs = ({ drainDelayMs, drainTimeoutMs }: Pick<Serving, 'drainDelayMs' | 'drainTimeoutMs'>): number =>
  Math.max(drainDelayMs, retireMs) + drainTimeoutMs + lastWordsMs + flushMs + slackMs;

/** The service ends: serves on until balancers know, then closes. */
export async function drain(serving: Serving): Promise<void> {
  const { edge, log, drainDelayMs } = serving;
  edge.drain();
  log.info({ delay_ms: drainDelayMs, under_way: edge.underWay }, 'draining');
  await pause(drainDelayMs);
  await close(serving);
}

/**
 * Another worker has taken this one's place at the same port. Balancers need not know, so there is no delay for them; but
 * an idle connection that is closed here may have a request on its way. So each closes with its next reply.
 */
export async function retire(serving: Serving): Promise<void> {
  const { app, admin, edge, log } = serving;
  log.info({ under_way: edge.underWay }, 'making room for a new worker');
  // First of all: a probe must not hear from this worker that the service drains.
  await closeServer(admin, retireMs);
  edge.drain();
  const left = once(app, 'close');
  // Not http's own close, which ends idle connections as well.
  NetServer.prototype.close.call(app);
  await settlesWithin(left, retireMs);
  await close(serving);
}

/** Nothing new can come: finishes what is under way, and closes everything. */
export async function close({ app, admin, edge, clients, keeping, authenticating, drainTimeoutMs }: Serving): Promise<void> {
  edge.drain();
  // They would not end by themselves.
  edge.streams?.end();
  await closeServer(app, drainTimeoutMs, () => { edge.stop(ending); });
  await Promise.all([closeClients(clients), keeping?.close(), authenticating?.close()]);
  await closeServer(admin, 0);
  await closeTelemetry(flushMs);
}
