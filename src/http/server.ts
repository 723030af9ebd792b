import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings, type Http2Bindings } from '@hono/node-server';
import type { Logger } from 'pino';
import { badTarget } from './hardening.ts';
import { type CommonHeaders, outgoing } from './outgoing.ts';
import { receive } from './receive.ts';
import { refusalOf } from './refusal.ts';

/** How long an idle connection is kept: above what load balancers do (60 s), so that they close it, and not we under their request. */
const keepAliveMs = 75_000;

interface Listening {
  readonly fetch: (request: Request, env: HttpBindings | Http2Bindings) => Response | Promise<Response>;
}

/** Answers a request at once, or returns false: then the next lane may, and after the last one the app does. */
export type Lane = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface ListenOptions {
  /** Where it is told what was refused before the lanes; nowhere if left out. */
  readonly log?: Logger;
  /** What all replies have in common, besides the headers that are always there. */
  readonly headers?: CommonHeaders;
  /** In place of the limits below: tests do not wait for seconds. */
  readonly limits?: Partial<typeof limits>;
}

/** They end clients that send their headers or body byte by byte (slowloris), or do not read their reply; Node's own are minutes, or none. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  /** Without a byte in either direction under a request: every deadline is far shorter, and streams that stay open say something twice as often. */
  silenceMs: 30_000,
  /** Twice what may be under way (IN_FLIGHT_MAX), since most connections of balancers and phones are idle, and as many as may watch (LIVE_MAX); 10,000 idle ones were measured. */
  connectionsMax: 20_000,
};

/**
 * Listens, and resolves when it does. Rejects if it cannot: the port is taken or not allowed. Requests that could be
 * read in two ways, or are too long, are refused; the others are offered to the lanes, in their order, with their body.
 */
export async function listen(app: Listening, port: number, hostname: string, lanes: readonly Lane[] = [], options: ListenOptions = {}): Promise<Server> {
  const { log, headers = {} } = options;
  const { silenceMs, connectionsMax, ...timeouts } = { ...limits, ...options.limits };
  const listener = getRequestListener(app.fetch, { hostname, errorHandler: () => refusalOf(badTarget, { log }) });
  const server = createServer({
    ...timeouts,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: 16 * 1024,
    // Said here, NODE_OPTIONS cannot say otherwise.
    insecureHTTPParser: false,
    // Checked with the rest (hardening.ts), where it is answered with a problem.
    requireHostHeader: false,
    ServerResponse: outgoing(headers),
  });
  server.timeout = silenceMs;
  server.maxConnections = connectionsMax;
  // The bytes are bounded. With a bound on their number, Node would leave out the last ones without a word.
  server.maxHeadersCount = 0;
  receive(server, (request, response) => {
    for (const lane of lanes) if (lane(request, response)) return;
    void listener(request, response);
  }, log);
  server.listen(port, hostname);
  await once(server, 'listening');
  return server;
}

/** The port a server listens on: the one it was given, or the free one it got for 0. */
export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** How long a reply may take to be written once its work has been stopped. */
export const lastWordsMs = 500;

/**
 * Takes no new connections and closes idle ones. What is still under way after `waitMs` is cut off; where there is somebody
 * to stop the work, it is told first, and the replies that say so have half a second to leave.
 */
export async function closeServer(server: Server, waitMs: number, stop?: () => void): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  // Replies end now and then, and leave idle connections behind.
  const sweep = setInterval(() => { server.closeIdleConnections(); }, 50);
  const cut = () => { server.closeAllConnections(); };
  let force = setTimeout(() => {
    if (!stop) return cut();
    stop();
    force = setTimeout(cut, lastWordsMs);
  }, waitMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(force);
}
