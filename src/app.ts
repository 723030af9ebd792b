import about from '../package.json' with { type: 'json' };
import { productPage } from './aggregates/product-page.ts';
import { listProducts, productById } from './aggregates/products.ts';
import { userOverview } from './aggregates/user-overview.ts';
import type { Cache } from './cache/cache.ts';
import type { Clients } from './clients/clients.ts';
import { Admission } from './http/admission/admission.ts';
import { Cors } from './http/cors.ts';
import { Edge, type EdgeOptions } from './http/edge.ts';
import { Streams } from './http/live/streams.ts';
import type { CommonHeaders } from './http/outgoing.ts';
import { answerPreflight } from './http/preflight.ts';
import { Ready } from './http/ready.ts';
import { openApi } from './http/openapi/document.ts';
import { publish } from './http/openapi/published.ts';
import { createRoutes, type RoutesOf } from './http/routes.ts';
import type { Lane } from './http/server.ts';
import { analyzeSentiment } from './operations/analyze-sentiment.ts';
import { createProduct } from './operations/create-product.ts';
import { deleteProduct } from './operations/delete-product.ts';
import { updateProduct } from './operations/update-product.ts';
import { createSources, type Sources } from './sources/sources.ts';

export interface AppOptions extends EdgeOptions {
  /** Where answers are kept; left out, nothing is. */
  readonly cache?: Cache | undefined;
  /** Whether requests are shed where there are more than can be answered. */
  readonly admission?: boolean;
  /** Requests under way, beyond which more are shed whatever the load; left out, none is. */
  readonly inFlightMax?: number;
  /** Live answers that may be open at the same time; none at all if 0. */
  readonly liveMax?: number;
  /** Whose pages may read answers in browsers; nobody's if empty or left out. */
  readonly corsOrigins?: readonly string[];
  /** Whether what can be asked is published: `/openapi.json` and `/docs`. */
  readonly docs?: boolean;
}

/** What can be asked, as types: all that a client in TypeScript needs (`hc<Api>(url)`, docs/clients.md). */
export type Api = RoutesOf<ReturnType<typeof resourcesOf>>;

/** The service as the network sees it, without a network: what tests import. */
export interface App {
  readonly app: Api;
  readonly edge: Edge;
  /** What answers before the routes do, where it can. */
  readonly lanes: readonly Lane[];
  /** What all its replies have in common. */
  readonly headers: CommonHeaders;
  /** To be started by whoever listens; undefined if everybody is let in. */
  readonly admission: Admission | undefined;
}

/** What can be asked, by path: an endpoint is one file in aggregates/ or operations/ and one line here. */
export const resourcesOf = (sources: Sources) => ({
  '/api/aggregated': userOverview(sources),
  '/api/v1/products': { GET: listProducts(sources), POST: createProduct(sources) },
  '/api/v1/products/:id': { GET: productById(sources), PATCH: updateProduct(sources), DELETE: deleteProduct(sources) },
  '/api/v1/products/:id/page': productPage(sources),
  '/analyze-sentiment': { POST: analyzeSentiment(sources) },
});

/** What can be asked, as OpenAPI. */
export const describe = (sources: Sources) => openApi(resourcesOf(sources), about.version);

/** Wires everything; asks nobody anything yet. */
export function createApp(clients: Clients, { cache, corsOrigins = [], admission: adaptive = false, inFlightMax, liveMax = 10_000, docs = false, ...options }: AppOptions): App {
  const edge = new Edge(options);
  const sources = createSources({ ...clients, cache });
  const streams = liveMax > 0 ? new Streams(edge, liveMax) : undefined;
  edge.streams = streams;
  cache?.watch((tags) => { streams?.topics.gone(tags); });
  const app = createRoutes(edge, resourcesOf(sources), streams);
  if (docs) publish(app, edge, () => describe(sources));
  const ready = cache && new Ready(edge, cache.memory);
  edge.keeper = ready;
  const admission = inFlightMax === undefined ? undefined : new Admission(edge, { adaptive, inFlightMax });
  edge.load = admission;
  const cors = corsOrigins.length > 0 ? new Cors(corsOrigins) : undefined;
  return { app, edge, lanes: lanesOf(edge, cors, ready, admission), headers: { cors, ratePolicy: edge.limits?.policy }, admission };
}

function lanesOf(edge: Edge, cors: Cors | undefined, ready: Ready | undefined, admission: Admission | undefined): Lane[] {
  const lanes: Lane[] = [];
  if (cors) lanes.push((request, response) => answerPreflight(request, response, edge));
  // Before admission: a ready answer costs no more than a refusal.
  if (ready) lanes.push((request, response) => ready.answer(request, response));
  if (admission) lanes.push((request, response) => admission.sheds(request, response));
  return lanes;
}
