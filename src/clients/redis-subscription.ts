import type { Redis } from 'ioredis';
import { hangUp, untilRetryMs } from './redis-options.ts';

/** Together with the connection's own time-out of 500 ms: a server that froze is noticed within a second. */
const pingEveryMs = 250;

export interface SubscriptionOptions {
  /** A new connection; it must not come back by itself. */
  readonly connect: () => Redis;
  readonly channel: string;
  readonly onMessage: (text: string) => void;
  /** From now on it hears nothing; told once for each `onBack`. */
  readonly onLost?: () => void;
  readonly onBack?: () => void;
}

/**
 * Hears what is published, on a connection of its own: of silence nobody can tell whether nothing is said or a server
 * froze, so it is asked from time to time, and its connection replaced when it does not answer.
 */
export class Subscription {
  readonly #options: SubscriptionOptions;
  #redis: Redis;
  #hears = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#redis = this.#connect();
  }

  /** On a new connection: this one leads to where nothing is said any more. */
  renew(): void {
    this.#redis.disconnect();
  }

  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    return hangUp(this.#redis);
  }

  #connect(): Redis {
    const redis = this.#options.connect();
    redis
      .on('error', () => undefined)
      // Not what came together with the answer to SUBSCRIBE: it hears from `onBack` on.
      .on('message', (_channel: string, text: string) => { if (this.#hears && !this.#closed) this.#options.onMessage(text); })
      .once('end', () => { this.#ended(); });
    void this.#subscribe(redis);
    return redis;
  }

  async #subscribe(redis: Redis): Promise<void> {
    try {
      await redis.connect();
      await redis.subscribe(this.#options.channel);
    } catch {
      redis.disconnect();
      return;
    }
    if (this.#closed) return;
    this.#hears = true;
    this.#options.onBack?.();
    this.#pingLater(redis);
  }

  #pingLater(redis: Redis): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      redis.ping().then(() => { this.#pingLater(redis); }, () => { redis.disconnect(); });
    }, pingEveryMs);
  }

  #ended(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#redis = this.#connect(); }, untilRetryMs());
    if (!this.#hears) return;
    this.#hears = false;
    this.#options.onLost?.();
  }
}
