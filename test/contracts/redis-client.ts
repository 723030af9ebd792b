import { randomUUID } from 'node:crypto';
import type { BusListener } from '../../src/cache/tier.ts';
import { createRedis, type RedisOptions, type RedisTier } from '../../src/clients/redis.ts';
import { Changes, until } from '../support/until.ts';

export interface Trouble {
  readonly what: string;
  readonly error: Error | undefined;
}

/** A tier under test, with what it told of troubles. `await using` closes it. */
export interface Connected extends RedisTier, AsyncDisposable {
  readonly namespace: string;
  readonly troubles: readonly Trouble[];
  /** Resolves once it answers. */
  answers(): Promise<void>;
  /** Resolves once it is known not to answer. */
  rests(): Promise<void>;
  /** Resolves once it told of a trouble. */
  told(): Promise<void>;
}

// A cluster that lost a node takes two seconds to trust it again, and a sentinel about as long to replace one.
const patienceMs = 15_000;

/** Patient where a test does not say otherwise: on a busy machine an answer may take its time. */
export function connectTier(url: string, options: Partial<RedisOptions> = {}): Connected {
  const troubles: Trouble[] = [];
  const namespace = options.namespace ?? `test-${randomUUID()}`;
  const tier = createRedis({ url, answerMs: 5_000, onTrouble: (what, error) => { troubles.push({ what, error }); }, ...options, namespace });
  const told = () => troubles.map(({ what, error }) => `${what}: ${error?.message}`).join('\n');
  return {
    namespace,
    troubles,
    get ready() { return tier.ready; },
    read: (...question) => tier.read(...question),
    put: (...entry) => { tier.put(...entry); },
    release: (...lease) => { tier.release(...lease); },
    drop: (key) => { tier.drop(key); },
    invalidate: (...tags) => tier.invalidate(...tags),
    run: (...question) => tier.run(...question),
    listen: (listener) => { tier.listen(listener); },
    check: (call) => tier.check(call),
    close: () => tier.close(),
    [Symbol.asyncDispose]: () => tier.close(),
    answers: () => until(() => tier.ready, () => `expected the tier to answer, but got\n${told()}`, patienceMs),
    told: () => until(() => troubles.length > 0, () => 'expected to be told of a trouble', patienceMs),
    rests: () => until(() => !tier.ready, () => 'expected the tier to rest'),
  };
}

/** For outages: it has enough of what does not answer soon, though not as soon as in production, since test machines are busy. */
export const connectImpatient = (url: string, options: Partial<RedisOptions> = {}): Connected => connectTier(url, { answerMs: 300, ...options });

/** Who hears, and remembers it. */
export class Ear implements BusListener {
  /** In order: tags, or 'lost', or 'back'. */
  readonly heard: (readonly string[] | 'lost' | 'back')[] = [];
  readonly #changes = new Changes();

  gone(tags: readonly string[]): void {
    this.#hear(tags);
  }

  lost(): void {
    this.#hear('lost');
  }

  back(): void {
    this.#hear('back');
  }

  /** Resolves once it has heard so much, counted from the start. */
  hears(count: number): Promise<void> {
    return this.#changes.until(() => this.heard.length >= count, () => `expected to hear ${count} times, but got ${JSON.stringify(this.heard)}`, patienceMs);
  }

  #hear(what: readonly string[] | 'lost' | 'back'): void {
    this.heard.push(what);
    this.#changes.announce();
  }
}

/** A tier and an ear that hears already. */
export async function connectListening(url: string, options: Partial<RedisOptions> = {}): Promise<{ readonly tier: Connected; readonly ear: Ear } & AsyncDisposable> {
  const tier = connectTier(url, options);
  const ear = new Ear();
  tier.listen(ear);
  try {
    await ear.hears(1);
    await tier.answers();
  } catch (error) {
    await tier.close();
    throw error;
  }
  return { tier, ear, [Symbol.asyncDispose]: () => tier.close() };
}

/** A lease that is wanted where nothing is stored. */
export const wanted = (token: string, ms = 30_000) => ({ token, ms, unlessLeftMs: 0 });
