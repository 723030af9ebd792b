import { userOverview } from './aggregates/user-overview.ts';
import type { Cache } from './cache/cache.ts';
import type { Clients } from './clients/clients.ts';
import { Edge, type EdgeOptions } from './http/edge.ts';
import { Ready } from './http/ready.ts';
import { createRoutes, type Routes } from './http/routes.ts';
import type { Lane } from './http/server.ts';
import { createSources } from './sources/sources.ts';

export interface AppOptions extends EdgeOptions {
  /** Where answers are kept; left out, nothing is. */
  readonly cache?: Cache | undefined;
}

/** The service as the network sees it, without a network: what tests import. */
export interface App {
  readonly app: Routes;
  readonly edge: Edge;
  /** What answers before the routes do, where it can. */
  readonly lanes: readonly Lane[];
}

/** Wires everything; asks nobody anything yet. */
export function createApp(clients: Clients, { cache, ...options }: AppOptions): App {
  const edge = new Edge(options);
  const sources = createSources({ ...clients, cache });
  const app = createRoutes(edge, {
    // An aggregate is one file in aggregates/ and one line here.
    '/api/aggregated': userOverview(sources),
  });
  const ready = cache && new Ready(edge, cache.memory);
  edge.keeper = ready;
  return { app, edge, lanes: ready ? [(request, response) => ready.answer(request, response)] : [] };
}
