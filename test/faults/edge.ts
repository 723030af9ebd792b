import { Hono } from 'hono';
import { pino } from 'pino';
import { z } from 'zod';
import { RateWindows, type RateLimits } from '../../src/clients/rate-windows.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { createAdmin } from '../../src/http/admin.ts';
import { Cors } from '../../src/http/cors.ts';
import { Edge } from '../../src/http/edge.ts';
import { createHealth } from '../../src/http/health.ts';
import { Limits } from '../../src/http/limits.ts';
import { answerPreflight } from '../../src/http/preflight.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { closeServer, type Lane, listen, type ListenOptions, portOf } from '../../src/http/server.ts';
import { UserId } from '../../src/sources/user.ts';

export interface EdgeOptions {
  readonly listening?: ListenOptions['limits'];
  readonly corsOrigins?: readonly string[];
  readonly rates?: RateLimits;
  /** Told of every user that is asked for. */
  readonly asked?: (user: string) => void;
}

/** The two ports of the service with nothing behind them: `/api/aggregated` answers with the user it was asked for. */
export interface EdgeAlone extends AsyncDisposable {
  readonly url: string;
  readonly adminUrl: string;
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

export const rates = (count: number, windowMs: number): RateLimits => new RateWindows({ count, windowMs });

export async function startEdge({ listening = {}, corsOrigins = [], rates: counted, asked = () => {} }: EdgeOptions = {}): Promise<EdgeAlone> {
  const log: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (line: string) => { log.push(JSON.parse(line) as Record<string, unknown>); } });
  const limits = counted && new Limits(counted, 1);
  const edge = new Edge({ log: logger, sampling: { ratio: 0, trustParent: false }, timeoutStatus: 504, limits });
  const user = ({ user_id }: { user_id: string }) => {
    asked(user_id);
    return Promise.resolve({ id: user_id });
  };
  const overview = aggregate({ name: 'overview', input: z.object({ user_id: UserId }), deadline: '2s', parts: { user } });
  const lanes: Lane[] = corsOrigins.length > 0 ? [(request, response) => answerPreflight(request, response, edge)] : [];
  const headers = { cors: corsOrigins.length > 0 ? new Cors(corsOrigins) : undefined, ratePolicy: limits?.policy };
  const options = { log: logger, limits: listening };
  const app = await listen(createRoutes(edge, { '/api/aggregated': overview }), 0, '127.0.0.1', lanes, { ...options, headers });
  const operators = createHealth({}, { started: () => true, draining: () => false, shedding: () => false }).route('/', createAdmin(undefined, () => Promise.resolve([])));
  const admin = await listen(operators, 0, '127.0.0.1', [], options);
  return {
    url: `http://127.0.0.1:${portOf(app)}`,
    adminUrl: `http://127.0.0.1:${portOf(admin)}`,
    log,
    async [Symbol.asyncDispose]() {
      await Promise.all([closeServer(app, 0), closeServer(admin, 0)]);
    },
  };
}

/** A port whose one route reads its body as JSON, and says how long that was. */
export async function startReader(listening: ListenOptions['limits'] = {}): Promise<{ readonly url: string; readonly read: unknown[] } & AsyncDisposable> {
  const read: unknown[] = [];
  const app = new Hono().post('/', async (c) => {
    const body: unknown = await c.req.json();
    read.push(body);
    return c.json({ length: JSON.stringify(body).length });
  });
  const server = await listen(app, 0, '127.0.0.1', [], { limits: listening });
  return { url: `http://127.0.0.1:${portOf(server)}`, read, [Symbol.asyncDispose]: () => closeServer(server, 0) };
}

/** One reply out of the bytes of a connection. */
export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** All replies among these bytes, by their Content-Length; throws if anything is left over. Those to HEAD are not among them. */
export function repliesIn(bytes: Buffer): RawReply[] {
  const replies: RawReply[] = [];
  let rest = bytes.toString('latin1');
  while (rest !== '') {
    const head = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest);
    if (!head) throw new Error(`expected a reply, but got ${JSON.stringify(rest.slice(0, 200))}`);
    const headers = new Map(head[2]!.trim().split('\r\n').map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const));
    const end = head[0].length + Number(headers.get('content-length') ?? 0);
    replies.push({ status: Number(head[1]), headers, body: rest.slice(head[0].length, end) });
    rest = rest.slice(end);
  }
  return replies;
}
