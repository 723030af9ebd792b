import type { Logger } from 'pino';
import { Cache } from '../cache/cache.ts';
import { tellsOfChanges } from '../clients/analytics.ts';
import type { Clients } from '../clients/clients.ts';
import { listenForNotices, type Notices } from '../clients/postgres-notices.ts';
import { RateWindows } from '../clients/rate-windows.ts';
import type { RedisTier } from '../clients/redis.ts';
import type { Config } from '../config.ts';
import { observeCacheBytes, observeSharedCache } from '../core/metrics.ts';
import { Limits } from '../http/limits.ts';
import { workerBus } from './cluster-bus.ts';

/** Where answers are kept, and everything that makes it forget. */
export interface Keeping {
  readonly cache: Cache;
  readonly redis: RedisTier | undefined;
  close(): Promise<void>;
}

/** Starts what the configuration asks for; waits for nobody. Undefined where nothing is to be kept. */
export async function startKeeping(config: Config, clients: Clients, log: Logger): Promise<Keeping | undefined> {
  if (config.cache === 'off') return undefined;
  const redis = config.redisUrl === undefined ? undefined : await connectRedis(config.redisUrl, config.cacheTenant, log);
  const cache = new Cache({ bytesMax: config.cacheBytes, shared: redis, tenant: config.cacheTenant });
  observeCacheBytes(() => cache.memory.bytes);
  if (redis) observeSharedCache(() => Number(redis.ready));
  const workers = workerBus();
  // Where there is Redis, its channel reaches other workers too.
  if (workers && !redis) cache.join(workers);
  const notices = config.cacheNotify ? listenToStores(config, clients, cache, log) : [];
  return {
    cache,
    redis,
    async close() {
      await Promise.all([...notices, ...(redis ? [redis] : [])].map((each) => each.close()));
    },
  };
}

/** Loaded only where it is used: it takes a tenth of the start. */
async function connectRedis(url: string, namespace: string, log: Logger): Promise<RedisTier> {
  const { createRedis } = await import('../clients/redis.ts');
  return createRedis({
    url,
    namespace,
    onTrouble: (what, error) => { log.warn({ ...(error ? { err: error } : {}), client: 'redis' }, what); },
  });
}

/** A listener for each database: what anybody changes there is forgotten here. */
function listenToStores({ databaseUrl, analyticsUrl }: Config, { postgres, analytics }: Clients, cache: Cache, log: Logger): Notices[] {
  const listener = (name: string, url: string, tables: () => readonly string[]) => {
    const client = { client: name };
    return listenForNotices({
      name,
      url,
      onGone: (tag, token) => { void cache.heard([tag], token); },
      onLost: () => { log.warn(client, 'changes in the database are not heard: until they are, cached answers end by their time-outs alone'); },
      // What was changed meanwhile nobody will tell.
      onBack: () => {
        log.info(client, 'changes in the database are heard again');
        void cache.heard(tables().map((table) => `${table}:*`), crypto.randomUUID());
      },
      onTrouble: (error) => { log.warn({ ...client, err: error }, 'cannot listen to changes in the database'); },
    });
  };
  if (databaseUrl === analyticsUrl) return [listener('the user database', databaseUrl, () => [...postgres.tables, ...analytics.tables])];
  return [
    listener('the user database', databaseUrl, () => postgres.tables),
    // What is written to another store ends by its time-outs, or is told by hand.
    ...(tellsOfChanges(analyticsUrl) ? [listener('the analytics store', analyticsUrl, () => analytics.tables)] : []),
  ];
}

/** How often callers may ask, if that is configured: counted in Redis where answers are kept there, else in this process. */
export async function limitsOf({ rateLimit, proxyHops }: Config, redis: RedisTier | undefined): Promise<Limits | undefined> {
  if (!rateLimit) return undefined;
  if (!redis) return new Limits(new RateWindows(rateLimit), proxyHops);
  // Loaded only where it is used, as Redis is.
  const { SharedRateLimits } = await import('../clients/rate-limits.ts');
  return new Limits(new SharedRateLimits(rateLimit, redis), proxyHops);
}
