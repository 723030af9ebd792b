import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { json, type Answer } from './answers.ts';
import { Changes } from './until.ts';

/** One request as it arrived. */
export interface Asked {
  readonly method: string;
  /** Path and query, byte for byte as they were sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the body, what has arrived so far. */
  readonly body: string;
  /** How it ended: with the whole answer sent, or cut, by whichever side. */
  readonly closed: Promise<'answered' | 'cut'>;
}

/** A real HTTP server that does what the test tells it, and knows what it was asked and what is still open. */
export class Upstream implements AsyncDisposable {
  readonly requests: Asked[] = [];
  readonly url: string;
  readonly port: number;
  readonly #server: Server;
  readonly #changes = new Changes();
  readonly #connections = new Set<Socket>();
  readonly #open = new Set<Asked>();
  #next: Answer[] = [json({})];

  constructor(server: Server) {
    this.#server = server;
    const { address, family, port } = server.address() as AddressInfo;
    this.port = port;
    this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    server.on('request', (request, response) => this.#take(request, response));
    server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.once('close', () => {
        this.#connections.delete(socket);
        this.#changes.announce();
      });
    });
  }

  /** Each request takes the next answer; the last one stays for all that follow. */
  answer(first: Answer, ...following: Answer[]): void {
    this.#next = [first, ...following];
  }

  /** Requests that have arrived and neither got their whole answer nor lost their connection. */
  get openRequests(): number {
    return this.#open.size;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  /** Resolves once `count` requests have arrived since the start: with the last of them. */
  async received(count = 1): Promise<Asked> {
    await this.#changes.until(
      () => this.requests.length >= count,
      () => `expected ${count} requests, but got ${this.requests.length}: ${list(this.requests)}`,
    );
    return this.requests[count - 1] as Asked;
  }

  /** Resolves when no request is open. */
  allClosed(timeoutMs?: number): Promise<void> {
    return this.#changes.until(
      () => this.openRequests === 0,
      () => `expected no open request, but got ${list([...this.#open])}`,
      timeoutMs,
    );
  }

  /** Resolves when no connection is open, idle ones included: what holds once a client has been closed. */
  allDisconnected(timeoutMs?: number): Promise<void> {
    return this.#changes.until(
      () => this.openConnections === 0,
      () => `expected no connection, but got ${this.openConnections}, with open requests: ${list([...this.#open])}`,
      timeoutMs,
    );
  }

  /** Closes the connections on which nothing is being asked, as a server does after its keep-alive timeout. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    const closed = Promise.withResolvers<'answered' | 'cut'>();
    const asked: Asked = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      get body() {
        return Buffer.concat(chunks).toString();
      },
      closed: closed.promise,
    };
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A request cut while its body arrives is told by `closed`; without a listener it would end the process instead.
    request.on('error', () => {});
    response.once('close', () => {
      this.#open.delete(asked);
      closed.resolve(response.writableFinished ? 'answered' : 'cut');
      this.#changes.announce();
    });
    this.requests.push(asked);
    this.#open.add(asked);
    const answer = this.#next.length > 1 ? this.#next.shift() : this.#next[0];
    answer?.(request, response);
    this.#changes.announce();
  }
}

const list = (requests: readonly Asked[]): string =>
  requests.map(({ method, url }) => `${method} ${url}`).join(', ') || 'none';

/** A port where nobody listens: connecting is refused. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await listening(server);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** On a free port, unless it has to be a certain one. */
export async function startUpstream({ host = '127.0.0.1', port = 0 } = {}): Promise<Upstream> {
  // All its own timeouts off: a test that sees one fire would be testing this server.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  await listening(server, host, port);
  return new Upstream(server);
}

const listening = (server: Server, host = '127.0.0.1', port = 0): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
