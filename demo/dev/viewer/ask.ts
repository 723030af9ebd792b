import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface AskOptions {
  /** Of the gateway. */
  readonly url: string;
  /** What may be asked: the paths of its aggregates, with parameters such as `:id`. */
  readonly routes: ReadonlySet<string>;
  /** A token for this user; left out where everybody may ask. */
  readonly tokenFor?: ((user: string) => Promise<string>) | undefined;
}

/** What of the reply the page shows. */
const shown = ['content-type', 'traceresponse', 'retry-after', 'www-authenticate'];

/**
 * Asks an aggregate for the page and passes its stream on. Asked from here, the gateway needs no CORS for the page, and
 * tokens never reach a browser. `x-demo-user` says for whom the token is.
 */
export async function ask(target: string, request: IncomingMessage, response: ServerResponse, { url, routes, tokenFor }: AskOptions): Promise<void> {
  const [path = ''] = target.split('?', 1);
  if (![...routes].some((route) => fits(path, route))) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end(`expected one of ${[...routes].join(', ')}, but got another path`);
    return;
  }
  const gone = new AbortController();
  response.once('close', () => { gone.abort(); });
  const user = request.headers['x-demo-user'];
  const token = typeof user === 'string' && user !== '' ? await tokenFor?.(user) : undefined;
  try {
    const reply = await fetch(url + target, {
      headers: { accept: 'text/event-stream', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      redirect: 'manual',
      signal: gone.signal,
    });
    const headers = shown.flatMap((name) => { const value = reply.headers.get(name); return value === null ? [] : [[name, value] as const]; });
    response.writeHead(reply.status, { ...Object.fromEntries(headers), 'cache-control': 'no-store' });
    // Each part has to be seen when it lands, and not when the buffer is full.
    response.flushHeaders();
    if (reply.body) await pipeline(Readable.fromWeb(reply.body), response);
    else response.end();
  } catch (error) {
    if (gone.signal.aborted || response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end(`the gateway did not answer: ${(error as Error).message}`);
  }
}

/** A step that is a parameter fits any, and no other does. */
function fits(path: string, route: string): boolean {
  const steps = path.split('/');
  const wanted = route.split('/');
  return steps.length === wanted.length && wanted.every((step, at) => (step.startsWith(':') ? steps[at] !== '' : step === steps[at]));
}
