import type { IncomingMessage } from 'node:http';
import { Failure } from '../core/failure.ts';

/** 64 KiB: a question is some hundred bytes, and a longer body of JSON is parsed for longer than others should wait. */
export const bodyBytesMax = 64 * 1024;

/** Whether anything comes behind the headers (RFC 9112, §6.3). */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0');

export const bodyTooLong = new Failure('payload_too_large', `expected a body of at most ${bodyBytesMax} bytes`);

/**
 * Reads the whole body before anybody is bothered with the request: `whole` is called once it is there, `tooLong` as
 * soon as more has been counted than may come, and neither where the client has left or was cut off for its slowness.
 * It is left where @hono/node-server takes it for the handler: `rawBody`.
 */
export function readBody(request: IncomingMessage & { rawBody?: Buffer }, whole: () => void, tooLong: () => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const onEnd = () => {
    request.rawBody = Buffer.concat(chunks, length);
    whole();
  };
  const onData = (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length <= bodyBytesMax) return;
    request.off('data', onData).off('end', onEnd);
    tooLong();
  };
  request.on('data', onData).once('end', onEnd);
}
