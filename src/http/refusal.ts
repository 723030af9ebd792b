import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Failure } from '../core/failure.ts';
import type { Trace } from '../core/trace.ts';
import { hasBody } from './body.ts';
import { securityHeaders } from './outgoing.ts';
import { problemBody, problemHeaders, statusOf } from './problem.ts';
import { parentOf, plainTrace } from './trace-context.ts';
import { account, methodOf } from './visit.ts';

/**
 * How much of what comes behind a refused request is still read, and for how long. A connection that is closed while
 * bytes lie unread is reset, and a reset may overtake the reply (RFC 9112, §9.6).
 */
const lingerBytes = 1024 * 1024;
const lingerMs = 500;

export interface RefusalOptions {
  /** Where it is told; nowhere if left out. */
  readonly log?: Logger | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Nothing more is read from its connection: of what was refused nobody can say where it ends, or who is meant. */
  readonly closes?: boolean;
  /** Left out, it is not recorded. */
  readonly trace?: Trace;
}

interface Written {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

function written(failure: Failure, trace: Trace, { headers = {}, closes = true }: RefusalOptions): Written {
  // None of what is refused before it is asked is a missed deadline, so its status is not for the configuration to say.
  const edge = { timeoutStatus: 504 } as const;
  const status = statusOf(failure, edge);
  const body = JSON.stringify(problemBody(failure, { trace }, edge));
  return {
    status,
    body,
    headers: { ...problemHeaders(failure, status, trace), ...headers, 'content-length': String(Buffer.byteLength(body)), ...(closes ? { connection: 'close' } : {}) },
  };
}

/** Answers a request with a problem, before the routes. */
export function refuse(request: IncomingMessage, response: ServerResponse, failure: Failure, options: RefusalOptions = {}): void {
  const startedAt = performance.now();
  const { trace = plainTrace(parentOf(request)) } = options;
  const { status, headers, body } = written(failure, trace, options);
  response.writeHead(status, headers);
  if (options.closes !== false && hasBody(request)) endOnceRead(request, response, body);
  else response.end(body);
  if (options.log) account(options.log, { method: methodOf(request.method), route: '*', status, tookMs: performance.now() - startedAt, trace, failure });
}

/** The reply leaves now; its end, which closes the connection, comes when the client has sent what it had to. */
function endOnceRead(request: IncomingMessage, response: ServerResponse, body: string): void {
  if (request.method === 'HEAD') response.flushHeaders();
  else response.write(body);
  let left = lingerBytes;
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('end', end).once('close', end).on('data', ({ length }: Buffer) => {
    left -= length;
    if (left < 0) end();
  });
}

/** The same as a Response, for a request of which no Request could be made. */
export function refusalOf(failure: Failure, { log }: Pick<RefusalOptions, 'log'>): Response {
  const startedAt = performance.now();
  const trace = plainTrace(undefined);
  const { status, headers, body } = written(failure, trace, {});
  if (log) account(log, { method: '_OTHER', route: '*', status, tookMs: performance.now() - startedAt, trace, failure });
  return new Response(body, { status, headers });
}

/** The same where there is no request at all: what came could not be read as one. */
export function refuseSocket(socket: Duplex, failure: Failure, options: RefusalOptions): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const startedAt = performance.now();
  const trace = plainTrace(undefined);
  const { status, headers, body } = written(failure, trace, options);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  for (let at = 0; at < securityHeaders.length; at += 2) lines.push(`${securityHeaders[at]}: ${securityHeaders[at + 1]}\r\n`);
  hangUp(socket, `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  if (options.log) account(options.log, { method: '_OTHER', route: '*', status, tookMs: performance.now() - startedAt, trace, failure });
}

/** Says the last thing, if there is one; whoever does not hang up in turn is left alone. */
export function hangUp(socket: Duplex, text = ''): void {
  socket.end(text);
  const timer = setTimeout(() => { socket.destroy(); }, lingerMs);
  socket.once('close', () => { clearTimeout(timer); });
}
