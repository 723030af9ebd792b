// Everything that is counted, by the names in docs/metrics.md. Labels are only what there are few of: routes, sources, codes,
// never ids, paths or addresses.
import { counter, countedElsewhere, gauge, histogram } from './meter.ts';

/** As the HTTP conventions of OpenTelemetry have them, in seconds. */
const secondsBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export const requestDuration = histogram({
  name: 'http.server.request.duration', unit: 's', bounds: secondsBounds,
  labels: ['http.request.method', 'http.route', 'http.response.status_code', 'error.type'],
  help: 'How long requests took until their reply had left, ready answers included. Those that were shed are not in it',
});

export const partDuration = histogram({
  name: 'tributary.part.duration', unit: 's', bounds: secondsBounds, labels: ['aggregate', 'part', 'state', 'code'],
  help: 'How long each part of an answer took until it was there or given up, and how it came about. Parts of ready answers are not in it',
});

export const readyAnswers = counter({ name: 'tributary.ready_answers', labels: ['route'], help: 'Answers that were sent again as they were kept' });

export const answers = counter({ name: 'tributary.answers', labels: ['aggregate', 'complete'], help: 'Answers that were put together of their parts' });

export const cacheResults = counter({ name: 'tributary.cache.results', labels: ['source', 'tier', 'result'], help: 'What a tier of the cache had for a source' });

export const observeCacheBytes = gauge({ name: 'tributary.cache', unit: 'By', help: 'What the cache in memory keeps' });

export const observeSharedCache = gauge({ name: 'tributary.cache.shared_ready', together: 'lowest', help: 'Whether Redis answers' });

export const batchSize = histogram({ name: 'tributary.batch.size', bounds: [1, 2, 5, 10, 20, 50, 100], labels: ['source'], help: 'Keys that were asked for with one query' });

export const attempts = counter({ name: 'tributary.attempts', labels: ['source', 'outcome'], help: 'Attempts to ask a system. Those that were refused are not in it' });

export const refusals = counter({ name: 'tributary.refused', labels: ['source', 'by'], help: 'Attempts that were not made' });

export const retries = counter({ name: 'tributary.retries', labels: ['source'], help: 'Second attempts after a failure' });

export const hedges = counter({ name: 'tributary.hedges', labels: ['source', 'winner'], help: 'Second attempts beside a slow one, and which of the two was answered first' });

export const observeRefusingShare = gauge({ name: 'tributary.guard.refusing_share', labels: ['source'], together: 'highest', help: 'The share of attempts that a guard refuses now, 0 to 0.9' });

export const observeOpen = gauge({ name: 'tributary.endpoint.open', labels: ['client', 'endpoint'], together: 'highest', help: 'Whether the breaker of an endpoint is open: nobody is sent there' });

export const observePool = gauge({ name: 'tributary.pool.connections', labels: ['pool', 'state'], help: 'Connections to Postgres' });

export const observePoolWaiting = gauge({ name: 'tributary.pool.waiting', labels: ['pool'], help: 'Queries that wait for a connection' });

export const observeUpstream = gauge({ name: 'tributary.upstream.requests', labels: ['client'], help: 'Requests under way to a service' });

export const observeInFlight = gauge({ name: 'tributary.in_flight_requests', help: 'Requests under way' });

export const observeLimit = gauge({ name: 'tributary.admission.limit', help: 'The limit of requests under way that was found; it holds while the event loop is late' });

export const observeLoopDelay = gauge({ name: 'tributary.event_loop.delay', unit: 's', together: 'highest', help: 'How late the event loop is' });

export const shedRequests = counter({ name: 'tributary.shed', labels: ['priority'], help: 'Requests that were shed' });

export const leftOut = counter({ name: 'tributary.left_out', labels: ['aggregate', 'part'], help: 'Parts that answers were sent without in brownouts' });

export const observeBrownout = gauge({ name: 'tributary.brownout', together: 'highest', help: 'Whether optional parts are left out' });

export const rateLimited = counter({ name: 'tributary.rate_limited', help: 'Requests of callers that had asked too often' }).of();

export const unauthenticated = counter({ name: 'tributary.unauthenticated', labels: ['reason'], help: 'Requests that were refused for what their callers are or are not: 401 and 403' });

export const observeStreams = gauge({ name: 'tributary.live.streams', help: 'Live answers that are open' });

export const observeTopics = gauge({ name: 'tributary.live.topics', help: 'What is watched: one for all who watch the same' });

export const liveAsks = counter({ name: 'tributary.live.asks', labels: ['aggregate', 'because'], help: 'Parts that were asked for live answers' });

export const liveEnds = counter({ name: 'tributary.live.ends', labels: ['because'], help: 'Live answers that have ended' });

export const spansDropped = counter({ name: 'tributary.spans.dropped', help: 'Spans that the exporter could not take or send' }).of();

export const observeCpu = countedElsewhere({ name: 'process.cpu', unit: 's', help: 'Time on CPUs' });

export const observeResident = gauge({ name: 'process.resident_memory', unit: 'By', help: 'Memory of the process' });

export const observeHeap = gauge({ name: 'nodejs.heap_used', unit: 'By', help: 'The heap of V8, garbage included' });

export const observeGcPause = countedElsewhere({ name: 'nodejs.gc.pause', unit: 's', help: 'Time in collections of garbage' });
