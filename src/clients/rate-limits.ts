import { hash } from 'node:crypto';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisTier } from './redis.ts';
import { Script } from './redis-scripts.ts';
import { type Rate, type RateLimits, RateWindows, type Taken } from './rate-windows.ts';

/** How a script is defined on a client of ioredis. */
interface Definition {
  readonly lua: string;
}

/**
 * Counts in Redis, so that all processes count together; each key lives as long as its window. While Redis is away each
 * process counts for itself, from where it stands. Who has used up a window is refused here until it ends, without asking
 * Redis: a flood costs it nothing.
 */
export class SharedRateLimits implements RateLimits {
  readonly rate: Rate;
  readonly #redis: RedisTier;
  readonly #limiter: RateLimiterRedis;
  readonly #own: RateWindows;

  constructor(rate: Rate, redis: RedisTier) {
    this.rate = rate;
    this.#redis = redis;
    this.#own = new RateWindows(rate);
    this.#limiter = new RateLimiterRedis({ storeClient: throughGate(redis), points: rate.count, duration: rate.windowMs / 1_000, keyPrefix: '' });
  }

  take(key: string): Taken | Promise<Taken> {
    const spent = this.#own.spent(key);
    if (spent) return spent;
    return this.#redis.ready ? this.#ask(key) : this.#own.take(key);
  }

  async #ask(key: string): Promise<Taken> {
    try {
      // Not `consume`, which counts in the same way, but throws for who has used up a window.
      const { consumedPoints: used, msBeforeNext: leftMs } = await this.#limiter.penalty(nameOf(key));
      const taken = { used, leftMs };
      if (used > this.rate.count) this.#own.note(key, taken);
      return taken;
    } catch {
      // Redis has not answered: its gate has told of it, and does not let the next one wait.
      return this.#own.take(key);
    }
  }
}

/** Who somebody is does not belong in the names of keys; 132 bits are enough to be told apart by. */
const nameOf = (key: string): string => hash('sha256', key, 'base64url').slice(0, 22);

/** What the limiter takes for a client of ioredis: its script goes through the gate of the tier, whatever kind of Redis is behind it. */
function throughGate(redis: RedisTier) {
  let script: Script | undefined;
  return {
    defineCommand(_: string, { lua }: Definition): void {
      script = new Script(lua);
    },
    async rlflxIncr([name = '', ...values]: readonly string[]): Promise<unknown> {
      const answer = script && await redis.run(script, `rate:${name}`, values);
      if (answer === undefined) throw new Error('expected an answer of Redis, but got none');
      return answer;
    },
  };
}
