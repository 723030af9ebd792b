import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { Failure } from '../core/failure.ts';
import { bodyTooLong } from './body.ts';
import { hangUp, refuseSocket } from './refusal.ts';

// Their texts say nothing of what came: it may be anything.
const unreadable = new Failure('bad_request', 'expected a request of HTTP/1.1');
const tooSlow = new Failure('request_timeout', 'expected the whole request sooner');
const headersTooLong = new Failure('headers_too_large', 'expected headers of at most 16384 bytes');

const byCode: Readonly<Record<string, Failure>> = {
  HPE_HEADER_OVERFLOW: headersTooLong,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: bodyTooLong,
  ERR_HTTP_REQUEST_TIMEOUT: tooSlow,
};

/** A socket as node keeps it: with the reply that is next to be sent, if there is one. */
type Served = Duplex & { readonly _httpMessage?: ServerResponse | null };

/** What is done with a connection on which something came that is no request, or came too slowly. */
export const onClientError = (log: Logger | undefined) => (error: NodeJS.ErrnoException, socket: Served): void => {
  // It is gone, or it has been told already and goes on sending.
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const reply = socket._httpMessage;
  if (!reply) return refuseSocket(socket, byCode[error.code ?? ''] ?? unreadable, { log });
  if (!reply.req.complete) {
    // It is the body of the request that is being read. If its reply has begun, that was a refusal, and all has been said.
    if (reply.headersSent) hangUp(socket);
    else refuseSocket(socket, byCode[error.code ?? ''] ?? unreadable, { log });
    return;
  }
  // A good request came before: what is said now would be taken for its answer. That one comes first, and is the last one.
  if (!reply.headersSent) reply.shouldKeepAlive = false;
  reply.once('close', () => { hangUp(socket); });
};
