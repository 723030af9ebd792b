import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** What an upstream does with one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Reply {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly delayMs?: number;
}

// Taken at import: an upstream is another system, and its clock is not ours to fake.
const { setTimeout: startTimer, clearTimeout: stopTimer, setInterval: startTicks, clearInterval: stopTicks } = globalThis;
const asJson = { 'content-type': 'application/json' };

/** These bytes, called JSON unless the headers say otherwise: the way to say what is not JSON at all. */
export const body =
  (bytes: string | Uint8Array, { status = 200, headers = {}, delayMs = 0 }: Reply = {}): Answer =>
  (_, response) => {
    const send = () => response.writeHead(status, { ...asJson, ...headers }).end(bytes);
    if (delayMs === 0) return void send();
    const timer = startTimer(send, delayMs);
    response.once('close', () => stopTimer(timer));
  };

export const json = (value: unknown, reply?: Reply): Answer => body(JSON.stringify(value), reply);

export const status = (code: number, text = '', headers: OutgoingHttpHeaders = {}): Answer =>
  body(text, { status: code, headers: { 'content-type': 'text/plain', ...headers } });

export const redirect = (to: string, code = 302): Answer => status(code, '', { location: to });

/** Compressed though nobody asked for it. */
export const gzipped = (text: string): Answer =>
  body(gzipSync(text), { headers: { 'content-encoding': 'gzip' } });

/** Takes the request and never says a word. */
export const hang: Answer = () => {};

/** Headers and the beginning of a body, then silence: a wait for headers has ended well, one for the body never does. */
export const stalled: Answer = (_, response) => {
  response.writeHead(200, asJson).write('{"begun":');
};

/** RST before the first byte. */
export const reset: Answer = (request) => {
  request.socket.resetAndDestroy();
};

/** RST in the middle of the body, once its beginning has left. */
export const resetMidBody: Answer = (request, response) => {
  response.writeHead(200, asJson).write('{"begun":', () => request.socket.resetAndDestroy());
};

/** Says it will send more than it does, then closes in good order. */
export const truncated: Answer = (request, response) => {
  const text = '{"begun":';
  response.writeHead(200, { ...asJson, 'content-length': text.length + 100 }).write(text, () => request.socket.end());
};

/** Headers at once, then a byte now and then, for ever: no idle timeout ever fires. */
export const drip =
  (everyMs = 20): Answer =>
  (_, response) => {
    response.writeHead(200, asJson).write('"');
    const ticks = startTicks(() => response.write('.'), everyMs);
    response.once('close', () => stopTicks(ticks));
  };

/** These bytes as they stand, in place of an HTTP response; then the end of the connection. */
export const wire =
  (bytes: string | Uint8Array): Answer =>
  (request) => {
    request.socket.end(bytes);
  };

/** Answers like `answer` on a kept-alive connection, which it closes as soon as the answer has left. */
export const closingAfter =
  (answer: Answer): Answer =>
  (request, response) => {
    response.once('finish', () => request.socket.end());
    answer(request, response);
  };

/** One JSON string of `bytes` bytes, without end by default, sent as fast as the other side takes it. */
export function flood({ bytes = Infinity, declared = false } = {}) {
  const chunk = Buffer.alloc(64 * 1_024, 'a');
  let writtenBytes = 0;

  const answer: Answer = (_, response) => {
    let left = bytes - 2;
    // Counted when the kernel has them: what waits in our own buffers was not yet anybody's memory but ours.
    const write = (part: string | Uint8Array) =>
      response.write(part, (error) => {
        if (!error) writtenBytes += part.length;
      });
    const pump = () => {
      while (left > 0) {
        const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
        left -= part.length;
        if (!write(part)) return void response.once('drain', pump);
      }
      write('"');
      response.end();
    };
    response.writeHead(200, declared ? { ...asJson, 'content-length': bytes } : asJson);
    write('"');
    pump();
  };

  return {
    answer,
    /** How many bytes of bodies have left so far, over all requests. */
    get writtenBytes() {
      return writtenBytes;
    },
  };
}

/** Answers like `answer`, once it is released: all who have asked by then, and whoever asks later. */
export function held(answer: Answer): { readonly answer: Answer; release(): void } {
  const released = Promise.withResolvers<void>();
  return {
    answer: (request, response) => { void released.promise.then(() => { answer(request, response); }); },
    release: () => { released.resolve(); },
  };
}
