import { Agent, request as start, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { bounded, patienceMs } from './until.ts';

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** From `keepAlive()`; without one, each request has a fresh connection of its own. */
  readonly connection?: Connection;
  /** When the test gives up. */
  readonly timeoutMs?: number;
}

/** A whole reply, redirects not followed, nothing decompressed: what was sent is what is seen. */
export class Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Whether the connection had carried a request before. */
  readonly reused: boolean;

  constructor(response: IncomingMessage, body: Buffer, reused: boolean) {
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.body = body;
    this.reused = reused;
  }

  get text(): string {
    return this.body.toString('utf8');
  }

  get json(): unknown {
    try {
      return JSON.parse(this.text);
    } catch {
      throw new Error(`expected JSON, but got ${this.status} ${this.text.slice(0, 200)}`);
    }
  }
}

/** One connection that carries one request after another. */
export class Connection implements Disposable {
  readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  [Symbol.dispose](): void {
    this.agent.destroy();
  }
}

export const keepAlive = (): Connection => new Connection();

/** A request on its way, in the hands of the test. */
export class Exchange implements Disposable {
  /** The head of the response, its body still to be read. Rejects if the connection ends before. */
  readonly response: Promise<IncomingMessage>;
  /** Resolves when nothing more can come: the whole response was read, or the connection has ended. */
  readonly closed: Promise<void>;
  readonly #request: ClientRequest;

  constructor(request: ClientRequest) {
    const response = Promise.withResolvers<IncomingMessage>();
    this.#request = request;
    this.response = response.promise;
    this.closed = new Promise((resolve) => {
      request.once('close', resolve);
    });
    request.once('response', response.resolve).on('error', response.reject);
    // Closing without an error is also no answer; after a response this does nothing.
    request.once('close', () => response.reject(new Error('the connection was closed before a response')));
    // Whoever leaves early need not look at the response.
    this.response.catch(() => {});
  }

  /** Goes away in good order (FIN), as a closed tab does. */
  destroy(): void {
    this.#request.destroy();
  }

  /** Goes away with a RST, as a crashed phone or a middlebox does. */
  reset(): void {
    this.#request.socket?.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

function send(url: string, { method = 'GET', headers = {}, body, connection }: RequestOptions): ClientRequest {
  return start(url, { method, headers, agent: connection?.agent ?? false }).end(body);
}

/** Sends a request; resolves once all of it has been handed to the kernel. */
export async function open(url: string, options: RequestOptions = {}): Promise<Exchange> {
  const request = send(url, options);
  const exchange = new Exchange(request);
  const sent = new Promise<void>((resolve, reject) => {
    request.once('finish', resolve).once('error', reject);
  });
  await bounded(sent, () => `expected to send ${options.method ?? 'GET'} ${url}`, options.timeoutMs);
  return exchange;
}

/** Sends a request and reads the whole reply. */
export async function request(url: string, options: RequestOptions = {}): Promise<Reply> {
  const { method = 'GET', timeoutMs = patienceMs } = options;
  const sending = send(url, options);
  const exchange = new Exchange(sending);
  const reply = async () => {
    const response = await exchange.response;
    return new Reply(response, await buffer(response), sending.reusedSocket);
  };
  try {
    return await bounded(reply(), () => `expected a reply to ${method} ${url}`, timeoutMs);
  } catch (error) {
    exchange.destroy();
    throw error;
  }
}
