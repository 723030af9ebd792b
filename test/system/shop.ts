import { fileURLToPath } from 'node:url';
import { Cache } from '../../src/cache/cache.ts';
import { migrate } from '../../src/clients/migrations.ts';
import { createRedis } from '../../src/clients/redis.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Product } from '../../src/sources/product.ts';
import { caller, decided, operator } from '../support/callers.ts';
import { type Reply, request, type RequestOptions } from '../support/http-client.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { eventually, type RedisServer } from '../support/redis.ts';
import { bounded } from '../support/until.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';

export const migrations = fileURLToPath(new URL('../../src/migrations', import.meta.url));

export const path = '/api/v1/products';

/** A database with the tables of the products, empty. */
export async function emptyShop(): Promise<Database> {
  const database = await createDatabase();
  await migrate({ url: database.url, folder: migrations });
  return database;
}

/** So many products of these categories by turns, the first the oldest, at 0.01 and 0.01 more each. */
export const stock = (database: Database, count: number, categories: readonly string[] = ['tea']) =>
  query(database.url, `
    insert into products (id, name, price, stock, category, created_at)
    select gen_random_uuid(), 'Product ' || n, n * 0.01, n, ($2::text[])[1 + n % cardinality($2::text[])], now() + n * interval '1 second' from generate_series(1, $1) as n`, [count, categories]);

/** By whom a request is: an admin, somebody, or nobody. */
export type By = 'admin' | 'user' | 'nobody';

export const by: Readonly<Record<By, Record<string, string>>> = { admin: { authorization: 'Bearer admin' }, user: { authorization: 'Bearer user' }, nobody: {} };

const authentication = decided((authorization) => {
  if (authorization === 'Bearer admin') return operator;
  if (authorization === 'Bearer user') return caller('7');
  throw new Failure('unauthenticated', 'no such token');
});

export interface Shop extends Gateway {
  readonly cache: Cache;
  /** Sends a request about products, with a body as JSON if there is one. */
  send(method: string, target: string, options?: { readonly body?: unknown; readonly by?: By; readonly headers?: RequestOptions['headers'] }): Promise<Reply>;
  /** Resolves when this gateway has been told that something with this tag is outdated. */
  told(tag: string): Promise<void>;
}

/** A gateway that lets in whom `by` names, and keeps answers. */
export async function openShop(database: Pick<Database, 'url'>, { cache = new Cache({ bytesMax: 16_000_000 }), ...options }: Partial<Omit<GatewayOptions, 'database' | 'cache'>> & { readonly cache?: Cache } = {}): Promise<Shop> {
  const waiting = new Map<string, () => void>();
  const forget = cache.forget.bind(cache);
  cache.forget = (tags) => {
    forget(tags);
    for (const tag of tags) waiting.get(tag)?.();
  };
  const gateway = await startGateway({ database, cache, authentication, ...options });
  return {
    ...gateway,
    cache,
    send: (method, target, { body, by: who = 'admin', headers = {} } = {}) => request(`${gateway.url}${target}`, {
      method, headers: { ...by[who], ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }), timeoutMs: 60_000,
    }),
    told: (tag) => bounded(new Promise<void>((resolve) => { waiting.set(tag, resolve); }), () => `expected to be told of ${tag}`),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

/** The same with what all gateways of one Redis share. It may take its time, unless it is told otherwise: the machine may be busy. */
export async function openBranch(database: Database, redis: RedisServer, answerMs = 2_000): Promise<Shop> {
  const tier = createRedis({ url: redis.url, namespace: 'shop', onTrouble: () => undefined, answerMs });
  const shop = await openShop(database, { cache: new Cache({ bytesMax: 16_000_000, shared: tier }) });
  await eventually(async () => (await redis.send('PING')) === 'PONG' && tier.ready, () => 'expected Redis to answer', 15_000);
  return {
    ...shop,
    async [Symbol.asyncDispose]() {
      await shop[Symbol.asyncDispose]();
      await tier.close();
    },
  };
}

export const moka = { name: 'Moka Pot', price: 24.9, stock: 7, category: 'kitchen' } as const;

export const productIn = ({ json }: Reply): Product => json as Product;
export const listIn = ({ json }: Reply): readonly Product[] => json as readonly Product[];

/** The target of the next page, if there is one. */
export const nextOf = ({ headers }: Reply): string | undefined => /^<([^>]+)>; rel="next"$/.exec(String(headers['link'] ?? ''))?.[1];
