import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings, type Http2Bindings } from '@hono/node-server';

/** How long an idle connection is kept: above what load balancers do (60 s), so that they close it, and not we under their request. */
const keepAliveMs = 75_000;

interface Listening {
  readonly fetch: (request: Request, env: HttpBindings | Http2Bindings) => Response | Promise<Response>;
}

/** Answers a request at once, or returns false: then the next lane may, and after the last one the app does. */
export type Lane = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Listens, and resolves when it does. Rejects if it cannot: the port is taken or not allowed. The limits end clients
 * that send their headers or body byte by byte (slowloris); Node's own are minutes. Requests are offered to the lanes first, in their order.
 */
export async function listen(app: Listening, port: number, hostname: string, lanes: readonly Lane[] = []): Promise<Server> {
  const listener = getRequestListener(app.fetch, { hostname });
  const server = createServer({
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: 16 * 1024,
  }, (request, response) => {
    for (const lane of lanes) if (lane(request, response)) return;
    void listener(request, response);
  });
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
