import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readSpans, type Span } from './otlp.ts';

/** A thousand spans take some hundreds of kilobytes. */
const bytesMax = 16 * 1024 * 1024;
const inflate = promisify(gunzip);

/** Why an export is not taken. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The spans of one OTLP/HTTP export in JSON. Rejects with a Refused. */
export async function receive(request: IncomingMessage): Promise<Span[]> {
  const { 'content-type': type = 'no content-type', 'content-encoding': encoding } = request.headers;
  if (type.split(';')[0] !== 'application/json') throw new Refused(415, `expected OTEL_EXPORTER_OTLP_PROTOCOL=http/json, but got ${type}`);
  const sent = await bodyOf(request);
  try {
    const bytes = encoding === 'gzip' ? await inflate(sent, { maxOutputLength: bytesMax }) : sent;
    return readSpans(JSON.parse(bytes.toString()));
  } catch (error) {
    throw new Refused(400, `expected an export of spans, but got: ${(error as Error).message}`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw new Refused(413, `expected at most ${bytesMax} bytes, but got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
