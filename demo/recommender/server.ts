import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { controlFrom, FAULT_PARAMETERS, faultFrom, HEALTHY, reply, send, type Fault } from './faults.ts';
import { BadInput, expectOnly, INTEGER_MAX, wholeNumber } from './input.ts';
import type { Model } from './model.ts';

// One batch of the gateway; and the longest line Node's parser takes (16 KiB) is not much longer.
const USERS_MAX = 500;

export interface RecommenderOptions {
  readonly model: Model;
  /** The model's names of products by the ids of the API. */
  readonly products: ReadonlyMap<string, string>;
  /** How long training took, for `GET /health`. */
  readonly trainedInMs: number;
  /** Told of each change by `POST /_control`. */
  readonly onFault?: (fault: Fault) => void;
}

/**
 * The service over HTTP, not listening yet.
 *
 *     GET  /recommendations?user=42          ["espresso-beans-1-kg", …]   at most 10, best first, never a 404
 *     GET  /recommendations?user=1&user=2    { "1": […], "2": […] }       many users in one question
 *     GET  /similar?product=<uuid>           ["<uuid>", …]                at most 6, nearest first, by the ids of the API
 *     GET  /health                           { "status": "ok", … }
 *     POST /_control?delay_ms=3000           every answer late, from now on
 *     POST /_control?mode=hang               ok, hang, reset, drip (a byte at a time), error (500), garbage (half a JSON)
 *     POST /_control?delay_ms=900&one_in=1000   that for one question in a thousand
 *     POST /_control                         healthy again: each call states the whole fault
 *
 * `delay_ms` and `mode` may also stand on a single question and then hold for that one only. A bad question gets 400
 * with `{ "error": "expected …, but got …" }`. Users nobody knows get what is popular.
 */
export function createRecommender({ model, products, trainedInMs, onFault }: RecommenderOptions): Server {
  let fault = HEALTHY;
  let questions = 0;
  const ids = new Map(Array.from(products, ([id, name]) => [name, id]));
  const sendFaulty = async (query: URLSearchParams, response: ServerResponse, answer: unknown) => {
    const met = ++questions % fault.oneIn === 0 ? fault : HEALTHY;
    await sendWhileWanted(response, JSON.stringify(answer), faultFrom(query, met));
  };
  const routes: Routes = {
    '/recommendations': {
      GET: async (query, response) => {
        expectOnly(query, ['user', ...FAULT_PARAMETERS]);
        await sendFaulty(query, response, recommendations(model, query.getAll('user')));
      },
    },
    '/similar': {
      GET: async (query, response) => {
        expectOnly(query, ['product', ...FAULT_PARAMETERS]);
        const known = products.get(onlyOne(query, 'product').toLowerCase());
        const near = known === undefined ? [] : model.similar(known);
        await sendFaulty(query, response, near.flatMap((name) => ids.get(name) ?? []));
      },
    },
    '/health': {
      GET: (_query, response) => {
        const { userCount: users, productCount: products, pairCount: pairs } = model;
        reply(response, 200, JSON.stringify({ status: 'ok', users, products, pairs, trained_in_ms: trainedInMs, fault: shown(fault) }));
      },
    },
    '/_control': {
      POST: (query, response) => {
        fault = controlFrom(query);
        questions = 0;
        onFault?.(fault);
        reply(response, 200, JSON.stringify(shown(fault)));
      },
    },
  };
  return createServer((request, response) => {
    request.resume();
    answer(request, response, routes).catch((error: unknown) => refuse(response, error));
  });
}

type Route = (query: URLSearchParams, response: ServerResponse) => Promise<void> | void;
type Routes = Readonly<Record<string, Readonly<Record<string, Route>>>>;

async function answer({ method = 'GET', url = '/' }: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  const [path = '/', query = ''] = url.split('?', 2);
  const methods = Object.hasOwn(routes, path) ? routes[path] : undefined;
  const route = methods?.[method];
  if (route !== undefined) {
    await route(new URLSearchParams(query), response);
  } else if (methods === undefined) {
    const paths = Object.keys(routes).join(', ');
    reply(response, 404, JSON.stringify({ error: `expected one of ${paths}, but got another path` }));
  } else {
    const allowed = Object.keys(methods).join(', ');
    response.setHeader('allow', allowed);
    reply(response, 405, JSON.stringify({ error: `expected ${allowed} ${path}, but got ${method}` }));
  }
}

function onlyOne(query: URLSearchParams, name: string): string {
  const [value, ...more] = query.getAll(name);
  if (value === undefined || more.length > 0) throw new BadInput(`expected one ${name}, but got ${more.length + Number(value !== undefined)}`);
  return value;
}

function recommendations(model: Model, users: readonly string[]): string[] | Record<string, string[]> {
  if (users.length === 0) throw new BadInput('expected at least one user, as in /recommendations?user=42, but got none');
  if (users.length > USERS_MAX) throw new BadInput(`expected at most ${USERS_MAX} users, but got ${users.length}`);
  const lists = users.map((text) => {
    const user = wholeNumber('user', text, 1, INTEGER_MAX);
    return [String(user), model.recommend(user)] as const;
  });
  return lists.length === 1 ? (lists[0]?.[1] ?? []) : Object.fromEntries(lists);
}

/** Stops waiting or dripping when the client leaves, or when the server closes its connections. */
async function sendWhileWanted(response: ServerResponse, body: string, fault: Fault): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await send(response, body, fault, gone.signal);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return;
  if (error instanceof BadInput) {
    reply(response, 400, JSON.stringify({ error: error.message }));
  } else {
    console.error(error);
    reply(response, 500, JSON.stringify({ error: 'the recommender failed' }));
  }
}

function shown({ mode, delayMs, oneIn }: Fault): { mode: string; delay_ms: number; one_in?: number } {
  return { mode, delay_ms: delayMs, ...(oneIn === 1 ? {} : { one_in: oneIn }) };
}
