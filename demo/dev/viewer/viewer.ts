import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ask, type AskOptions } from './ask.ts';
import type { AggregateShape } from './definitions.ts';
import { Feed } from './feed.ts';
import { logEntry } from './log-entry.ts';
import { asset } from './page.ts';
import { Rates } from './rates.ts';
import { receive, Refused } from './receive.ts';
import { type RequestSummary, type Trace, Traces, type TracesOptions } from './traces.ts';
import { waterfall } from './waterfall.ts';

export interface ViewerOptions extends Pick<TracesOptions, 'max' | 'remarkableMax'> {
  /** 0 takes a free one. */
  readonly port: number;
  readonly aggregates: readonly AggregateShape[];
  /** Where the gateway is, and who may ask it. */
  readonly gateway: Omit<AskOptions, 'routes'>;
  /** Why the page shows no traces, if it does not. */
  readonly untraced?: string | undefined;
  /** The gateway keeps no answers, whatever its definitions say. */
  readonly uncached?: boolean;
}

const host = '127.0.0.1';
const json = 'application/json';

/**
 * The development page: a collector for one gateway (OTLP/HTTP in JSON) that shows what it gets. It listens on this
 * machine alone, keeps everything in memory and within bounds, and is no part of the service.
 */
export class Viewer implements AsyncDisposable {
  readonly #server: Server;
  readonly #traces: Traces;
  readonly #rates = new Rates();
  readonly #feed: Feed;
  readonly #options: ViewerOptions;
  readonly #routes: ReadonlySet<string>;

  private constructor(server: Server, options: ViewerOptions) {
    this.#server = server;
    this.#options = options;
    this.#routes = new Set(options.aggregates.map(({ route }) => route));
    this.#traces = new Traces({
      ...options,
      onRequest: (trace, by) => {
        if (by === 'span') this.#rates.add(trace, performance.now());
        this.#feed.touch(trace.traceId);
      },
    });
    this.#feed = new Feed({
      snapshot: () => ({ requests: this.#traces.all().flatMap((trace) => this.#listed(trace)), untraced: options.untraced }),
      changed: (ids) => ids.flatMap((id) => this.#listed(this.#traces.get(id))),
      rates: () => this.#rates.read(performance.now()),
    });
    server.on('request', (request, response) => {
      this.#answer(request, response).catch((error: unknown) => { refuse(response, error); });
    });
  }

  /** Rejects if the port is taken. */
  static async start(options: ViewerOptions): Promise<Viewer> {
    const server = createServer();
    const viewer = new Viewer(server, options);
    server.listen(options.port, host);
    await once(server, 'listening');
    return viewer;
  }

  /** What OTEL_EXPORTER_OTLP_ENDPOINT of the gateway has to be. */
  get endpoint(): string {
    return `http://${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  get page(): string {
    return `${this.endpoint}/_dev`;
  }

  /** A line of the gateway's log, as it came. */
  log(line: string): void {
    const entry = logEntry(line, Date.now());
    if (entry) this.#traces.addLog(entry);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    // The pages' streams among them, and with the last of these its timers.
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/' } = request;
    this.#expectOurs(request);
    if (method === 'POST' && url.startsWith('/v1/')) return this.#take(url, request, response);
    request.resume();
    if (method !== 'GET') throw new Refused(405, `expected GET, but got ${method}`);
    const [path = '/'] = url.split('?', 1);
    if (path === '/') return void response.writeHead(302, { location: '/_dev' }).end();
    if (path === '/_dev/events') return this.#feed.open(response);
    if (path === '/_dev/service') return send(response, json, this.#service());
    if (path.startsWith('/_dev/traces/')) return this.#show(path.slice('/_dev/traces/'.length), response);
    if (path.startsWith('/_dev/ask/')) return ask(url.slice('/_dev/ask'.length), request, response, { ...this.#options.gateway, routes: this.#routes });
    const file = await asset(path);
    if (!file) throw new Refused(404, 'there is no such page: /_dev is one');
    send(response, file.type, file.text, path === '/live' ? ` ${this.#options.gateway.url}` : '');
  }

  /**
   * A page of anywhere may send requests here, and one whose name is made to resolve to this machine (DNS rebinding)
   * could read the answers: neither is ours.
   */
  #expectOurs({ headers }: IncomingMessage): void {
    const { port } = this.#server.address() as AddressInfo;
    if (![`${host}:${port}`, `localhost:${port}`].includes(headers.host ?? '')) throw new Refused(403, `expected the host ${host}:${port}, but got another one`);
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new Refused(403, 'expected a request of this page, but got one of another site');
  }

  async #take(url: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Metrics and logs are thanked for and dropped: an exporter that is refused would fill the log.
    if (url === '/v1/traces') for (const span of await receive(request)) this.#traces.addSpan(span);
    else request.resume();
    send(response, json, '{}');
  }

  /** What does not change while the gateway runs. */
  #service(): string {
    const { aggregates, uncached, gateway: { url, tokenFor } } = this.#options;
    return JSON.stringify({ aggregates, uncached, tokens: tokenFor !== undefined, gateway: url });
  }

  /** A request as it is listed; of a slow one, also where its time went. */
  #listed(trace: Trace | undefined): (RequestSummary & { readonly where?: { readonly name: string; readonly ms: number } | undefined })[] {
    if (!trace?.request) return [];
    const reason = trace.request.slow ? waterfall(trace, this.#traces).reason : undefined;
    return [{ ...trace.request, where: reason && { name: reason.name, ms: reason.tookMs } }];
  }

  #show(traceId: string, response: ServerResponse): void {
    const trace = this.#traces.get(traceId);
    if (!trace) throw new Refused(404, 'this trace is not kept any more');
    send(response, json, JSON.stringify(waterfall(trace, this.#traces)));
  }
}

/** `asks` is whom else the page may ask, besides us. */
function send(response: ServerResponse, type: string, body: string, asks = ''): void {
  response.writeHead(200, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'${asks}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }).end(body);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const [status, text] = error instanceof Refused ? [error.status, error.message] : [500, 'something went wrong in the development page'];
  if (status === 500) console.error(error);
  // What is left of a body that was not read would be taken for the next request.
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(text);
}
