import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { decodeSpans, type ReceivedSpan } from './otlp-spans.ts';
import { Changes } from './until.ts';

const protobuf = 'application/x-protobuf';

/** A collector in the test's own process: OTLP over HTTP, protobuf only, since that is what we export. */
export class OtlpReceiver implements AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`; an exporter's own `url` is this and `/v1/traces`. */
  readonly url: string;
  readonly #server: Server;
  readonly #changes = new Changes();
  #spans: ReceivedSpan[] = [];
  #failure: Error | undefined;

  constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.#take(request, response));
  }

  /** All received since the start or the last `clear`, in the order of their arrival. */
  get spans(): readonly ReceivedSpan[] {
    return this.#spans;
  }

  /** Resolves with all spans once the predicate holds for them. Rejects if an export could not be read. */
  async waitFor(
    predicate: (spans: readonly ReceivedSpan[]) => boolean,
    { timeoutMs }: { timeoutMs?: number } = {},
  ): Promise<readonly ReceivedSpan[]> {
    await this.#changes.until(
      () => {
        if (this.#failure) throw this.#failure;
        return predicate(this.#spans);
      },
      () => `expected other spans, but got ${this.#spans.map(({ name }) => name).join(', ') || 'none'}`,
      timeoutMs,
    );
    return this.#spans;
  }

  clear(): void {
    this.#spans = [];
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

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const sent = await buffer(request);
      const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      // Metrics and logs are thanked for and dropped: an exporter that is refused would only fill the test's output.
      if (request.url === '/v1/traces') this.#keep(request.headers['content-type'], bytes);
      response.writeHead(200, { 'content-type': protobuf }).end();
    } catch (cause) {
      this.#failure ??= new Error('expected an export of spans, but could not read it', { cause });
      response.writeHead(400).end();
    }
    this.#changes.announce();
  }

  #keep(contentType: string | undefined, bytes: Uint8Array): void {
    if (contentType !== protobuf) throw new Error(`expected ${protobuf}, but got ${contentType ?? 'no content-type'}`);
    this.#spans = [...this.#spans, ...decodeSpans(bytes)];
  }
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return new OtlpReceiver(server);
}
