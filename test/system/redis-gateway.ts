import { Cache } from '../../src/cache/cache.ts';
import { createRedis, type RedisTier } from '../../src/clients/redis.ts';
import type { Reply } from '../support/http-client.ts';
import { eventually, type RedisServer } from '../support/redis.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';

/** A gateway whose own memory keeps nothing, so that it asks Redis each time. */
export interface RedisGateway extends Gateway {
  readonly tier: RedisTier;
  /** What the tier told of itself. */
  readonly troubles: readonly string[];
  /** Resolves once what is asked about a user comes from Redis. */
  untilKept(user: number): Promise<void>;
}

// On a busy machine Redis may not answer in its 50 ms for a while.
const patienceMs = 15_000;

/** Its keys begin with `test:1:`. */
export async function startRedisGateway(redis: RedisServer, options: GatewayOptions): Promise<RedisGateway> {
  const troubles: string[] = [];
  const tier = createRedis({ url: redis.url, namespace: 'test', onTrouble: (what) => { troubles.push(what); } });
  const gateway = await startGateway({ ...options, cache: new Cache({ bytesMax: 1, shared: tier }) });
  await eventually(async () => (await redis.send('PING')) === 'PONG' && tier.ready, () => 'expected Redis to answer', patienceMs);
  // Learns the types of the key columns: nothing is kept before they are known.
  await gateway.ask(20);
  return {
    ...gateway,
    tier,
    troubles,
    untilKept: (user) => eventually(async () => isKept(await gateway.ask(user)), () => `expected user ${user} to come from Redis`, patienceMs),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await tier.close();
    },
  };
}

/** Whether nobody was asked for any part of it. */
export const isKept = ({ headers }: Reply): boolean => !String(headers['cache-status']).includes('fwd');
