import { userOverview } from './aggregates/user-overview.ts';
import type { Clients } from './clients/clients.ts';
import { Edge, type EdgeOptions } from './http/edge.ts';
import { createRoutes, type Routes } from './http/routes.ts';
import { createSources } from './sources/sources.ts';

/** The service as the network sees it, without a network: what tests import. */
export interface App {
  readonly app: Routes;
  readonly edge: Edge;
}

/** Wires everything; asks nobody anything yet. */
export function createApp(clients: Clients, options: EdgeOptions): App {
  const edge = new Edge(options);
  const sources = createSources(clients);
  const app = createRoutes(edge, {
    // An aggregate is one file in aggregates/ and one line here.
    '/api/aggregated': userOverview(sources),
  });
  return { app, edge };
}
