import type { Redis } from 'ioredis';
import type { LeaseWanted } from '../cache/tier.ts';
import { createConnection, createEar } from './redis-connect.ts';
import type { Keys } from './redis-keys.ts';
import { type Answer, answers, leaseValues, type Link, type LinkOptions } from './redis-link.ts';
import { hangUp } from './redis-options.ts';
import { invalidateScript, loadScripts, readScript, type Script } from './redis-scripts.ts';
import { createSentinel } from './redis-sentinel.ts';
import { Subscription } from './redis-subscription.ts';
import type { SentinelRedis, SingleRedis } from './redis-url.ts';

/** One server, or the one that sentinels name. */
export class SingleLink implements Link {
  readonly #place: SingleRedis | SentinelRedis;
  readonly #keys: Keys;
  readonly #redis: Redis;
  readonly #failovers: Subscription | undefined;

  constructor(place: SingleRedis | SentinelRedis, { keys, answerMs, onDown, onUp, onReplaced }: LinkOptions) {
    this.#place = place;
    this.#keys = keys;
    this.#redis = createConnection(place, answerMs)
      .on('error', (error: Error) => { if (this.#redis.status !== 'ready') onDown(error); })
      .on('close', () => { onDown(new Error('the connection was closed')); })
      .on('ready', onUp);
    // Whatever it is, 'error' and 'close' tell of it.
    this.#redis.connect().catch(() => undefined);
    if (place.kind === 'sentinel') this.#failovers = this.#watch(place, onReplaced);
  }

  async read(key: string, tags: readonly string[], lease: LeaseWanted | undefined): Promise<Answer> {
    const keys = [this.#keys.entry(key), this.#keys.lease(key), ...tags.map((tag) => this.#keys.tag(tag))];
    return (await this.run(readScript, keys, leaseValues(lease))) as Answer;
  }

  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    // What is asked in one turn leaves in one write: half the cost of a read is the write.
    const { stream } = this.#redis;
    if (stream && stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(() => { stream.uncork(); });
    }
    return script.run(this.#redis, keys, values);
  }

  drop(entry: string): Promise<unknown> {
    return this.#redis.del(entry);
  }

  invalidate(tags: readonly string[], token: string): Promise<unknown> {
    return this.run(invalidateScript, tags.map((tag) => this.#keys.tag(tag)), [token, this.#keys.tagMs, this.#keys.channel, ...tags]);
  }

  async probe(): Promise<void> {
    await answers(this.#redis, this.#keys);
  }

  prepare(): Promise<void> {
    return loadScripts(this.#redis);
  }

  ear(): Redis {
    return createEar(this.#place);
  }

  async close(): Promise<void> {
    await Promise.all([hangUp(this.#redis), this.#failovers?.close()]);
  }

  /**
   * A master that was replaced and still lives learns it from the sentinels only ten seconds later. Until then it takes
   * invalidations that nobody will ever see; so it is left as soon as the sentinels say so.
   */
  #watch(place: SentinelRedis, onReplaced: () => void): Subscription {
    let turn = 0;
    return new Subscription({
      connect: () => createSentinel(place, turn++),
      channel: '+switch-master',
      onMessage: (text) => {
        if (!text.startsWith(`${place.master} `)) return;
        // On the way to a master it asks the sentinels anyway, and to be stopped there it would take for the end.
        if (this.#redis.status === 'ready' || this.#redis.status === 'connect') this.#redis.disconnect(true);
        onReplaced();
      },
    });
  }
}
