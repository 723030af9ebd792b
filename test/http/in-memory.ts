import { Hono } from 'hono';
import { pino } from 'pino';
import type { HttpContext } from '../../src/http/context.ts';
import { Edge, type EdgeOptions } from '../../src/http/edge.ts';
import { type Answering, observed } from '../../src/http/observed.ts';

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A logger that keeps its lines, and the lines. */
export function keptLog() {
  const lines: LogLine[] = [];
  const log = pino({ level: 'trace', base: null, timestamp: false, formatters: { level: (level) => ({ level }) } }, { write: (line) => { lines.push(JSON.parse(line) as LogLine); } });
  return { log, lines };
}

/** What routes share, without a network; `lines` is what it logs. */
export function edgeInMemory(options: Partial<EdgeOptions> = {}) {
  const { log, lines } = keptLog();
  return { lines, edge: new Edge({ log, sampling: { ratio: 0, trustParent: false }, timeoutStatus: 504, ...options }) };
}

/** The reply of a handler to one request. */
export async function replyOf(edge: Edge, answering: Answering, headers: Record<string, string> = {}): Promise<Response> {
  const app = new Hono().get('/', (c: HttpContext) => observed('/', edge, answering)(c));
  return app.request('/', { headers });
}
