import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { classify, type Weights } from './classifier.ts';

export const model = JSON.parse(readFileSync(new URL('model.json', import.meta.url), 'utf8')) as Weights;

const Question = z.object({ text: z.string().min(1).max(10_000), max_length: z.int().min(1).max(512).default(512) });
const Fault = z.strictObject({ mode: z.enum(['ok', 'hang', 'error', 'garbage']).default('ok'), delay_ms: z.coerce.number().int().min(0).max(60_000).default(0) });

/** What the longest question takes as JSON, with room. */
const BODY_BYTES_MAX = 128 * 1024;

/** The caller's mistake. */
class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * The twin of main.py for machines without Python: the same routes, weights and answers. Not listening yet.
 *
 *     POST /analyze-sentiment  { "text": "…", "max_length": 512 }    { "sentiment": "POSITIVE", "confidence": 0.98, "model": "…" }
 *     GET  /health             { "status": "ok", "runtime": "node", "analysed": 12, … }
 *     POST /_control?mode=hang&delay_ms=3000                         ok, hang (until the next), error (500), garbage; each call states the whole fault
 */
export function createSentimentModel(): Server {
  let fault: z.infer<typeof Fault> = { mode: 'ok', delay_ms: 0 };
  let next = Promise.withResolvers<void>();
  const counts = { analysed: 0, under_way: 0, under_way_max: 0 };

  async function analyze(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { text, max_length } = parsed(Question, await bodyOf(request));
    counts.under_way_max = Math.max(counts.under_way_max, ++counts.under_way);
    const gone = new AbortController();
    response.once('close', () => {
      counts.under_way--;
      gone.abort();
    });
    if (fault.delay_ms > 0) await pause(fault.delay_ms, undefined, { signal: gone.signal });
    if (fault.mode === 'hang') await Promise.race([next.promise, once(response, 'close')]);
    if (response.destroyed) return;
    counts.analysed++;
    if (fault.mode === 'error') return reply(response, 500, '{"error":"the model was told to fail"}');
    const answer = JSON.stringify(classify(beginning(text, max_length), model));
    reply(response, 200, fault.mode === 'garbage' ? answer.slice(0, answer.length / 2) : answer);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://model');
    switch (`${request.method} ${pathname}`) {
      case 'POST /analyze-sentiment':
        return analyze(request, response);
      case 'GET /health':
        return reply(response, 200, JSON.stringify({ status: 'ok', runtime: 'node', model: model.name, accuracy: model.accuracy, ...counts, fault }));
      case 'POST /_control':
        fault = parsed(Fault, Object.fromEntries(searchParams));
        next.resolve();
        next = Promise.withResolvers();
        return reply(response, 200, JSON.stringify(fault));
      default:
        throw new Refused(404, 'expected POST /analyze-sentiment, GET /health or POST /_control');
    }
  }

  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => { refuse(response, error); });
  });
}

/** In code points, as Python counts. */
const beginning = (text: string, length: number): string => Array.from(text).slice(0, length).join('');

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new Refused(413, `expected a body of at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refused(422, 'expected JSON');
  }
}

/** 422, as FastAPI answers to what does not validate. */
function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Refused(422, z.prettifyError(result.error));
  return result.data;
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return;
  const refused = error instanceof Refused ? error : undefined;
  if (!refused) console.error(error);
  reply(response, refused?.status ?? 500, JSON.stringify({ detail: refused?.message ?? 'the model failed' }));
}
