import type { BusListener, Found, LeaseWanted, SharedTier } from '../cache/tier.ts';
import type { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { createBus } from './redis-bus.ts';
import { ClusterLink } from './redis-cluster.ts';
import { Debts } from './redis-debts.ts';
import { Gate } from './redis-gate.ts';
import { Keys } from './redis-keys.ts';
import type { Answer, Link, LinkOptions } from './redis-link.ts';
import { putScript, releaseScript, type Script } from './redis-scripts.ts';
import { SingleLink } from './redis-single.ts';
import type { Subscription } from './redis-subscription.ts';
import { isOutage } from './redis-trouble.ts';
import { parseRedisUrl } from './redis-url.ts';

export interface RedisOptions {
  /** As `parseRedisUrl` takes it. */
  readonly url: string;
  /** What all keys and the channel begin with: services that share a Redis share nothing else. */
  readonly namespace: string;
  /**
   * Told, with the reason, when Redis does not answer any more, when it does again, and at most once a second when it
   * refuses commands. The errors name no key, no value and no password.
   */
  readonly onTrouble: (what: string, error?: Error) => void;
  /** How long a command may take before Redis counts as not answering; 50 unless given. */
  readonly answerMs?: number;
}

export interface RedisTier extends SharedTier {
  /** Redis answers, as far as is known. */
  readonly ready: boolean;
  /** Runs a script about one key of that name. Undefined if Redis has not answered, or refused. */
  run(script: Script, name: string, values: readonly string[]): Promise<unknown>;
  /** Resolves if Redis answers now, else rejects with a Failure. */
  check(call: Call): Promise<void>;
  /** Hangs up. Whoever waits for an answer goes on without. */
  close(): Promise<void>;
}

/** Beyond it a cache is no help: what it keeps takes hardly longer to load. */
const answerMsUsually = 50;
/** Texts that are on their way, in UTF-16 units: at 1 MiB a text, 1,000 of them would be a gigabyte. */
const textUnderWayMax = 32 * 1024 * 1024;
/** How often invalidations that Redis refused are repeated. */
const repeatMs = 1_000;

/** Connects at once: a tier that connected when it is first read could not answer the first reads. */
export const createRedis = (options: RedisOptions): RedisTier => new Tier(options);

class Tier implements RedisTier {
  readonly #keys: Keys;
  readonly #link: Link;
  readonly #gate: Gate;
  readonly #debts = new Debts();
  #bus: Subscription | undefined;
  #repeat: NodeJS.Timeout | undefined;
  #textUnderWay = 0;
  #closed = false;

  constructor({ url, namespace, onTrouble, answerMs = answerMsUsually }: RedisOptions) {
    this.#keys = new Keys(namespace);
    this.#gate = new Gate({ answerMs, probe: () => this.#probe(), onTrouble });
    const place = parseRedisUrl(url);
    const link: LinkOptions = {
      keys: this.#keys,
      answerMs,
      onDown: (error) => { this.#gate.shut(error); },
      onUp: () => { this.#gate.knock(); },
      onReplaced: () => { this.#bus?.renew(); },
    };
    this.#link = place.kind === 'cluster' ? new ClusterLink(place, link) : new SingleLink(place, link);
    this.#gate.knock();
  }

  get ready(): boolean {
    return this.#gate.open;
  }

  async read(key: string, tags: readonly string[], lease?: LeaseWanted): Promise<Found | undefined> {
    const answer = await this.#gate.pass(() => this.#link.read(key, tags, lease));
    return answer && foundIn(answer);
  }

  put(key: string, text: string, ttlMs: number, token = ''): void {
    if (this.#textUnderWay + text.length > textUnderWayMax) return;
    this.#textUnderWay += text.length;
    const ms = String(Math.max(1, Math.ceil(ttlMs)));
    void this.#gate
      .pass(() => this.#link.run(putScript, [this.#keys.entry(key), this.#keys.lease(key)], [text, ms, token]))
      .then(() => { this.#textUnderWay -= text.length; });
  }

  release(key: string, token: string): void {
    void this.#gate.pass(() => this.#link.run(releaseScript, [this.#keys.lease(key)], [token]));
  }

  drop(key: string): void {
    void this.#gate.pass(() => this.#link.drop(this.#keys.entry(key)));
  }

  /**
   * Tried once, within the time of a read. What Redis has not taken is not given up with that: false means "not yet".
   * It is repeated as soon as Redis answers again, before anything is read from it, and each second where Redis refused.
   */
  async invalidate(tags: readonly string[], token: string): Promise<boolean> {
    if (tags.length === 0) return true;
    const taken = await this.#gate.pass(async () => {
      await this.#link.invalidate(tags, token);
      return true;
    });
    if (taken) return true;
    if (!this.#debts.add(tags, token)) this.#gate.complain('has not taken invalidations', new Error('too many of them: the oldest are given up'));
    this.#repeatLater();
    return false;
  }

  run(script: Script, name: string, values: readonly string[]): Promise<unknown> {
    return this.#gate.pass(() => this.#link.run(script, [this.#keys.other(name)], values));
  }

  listen(listener: BusListener): void {
    if (this.#bus) throw new TypeError('expected one listener at most, but got another');
    this.#bus = createBus(() => this.#link.ear(), this.#keys.channel, listener);
  }

  async check(call: Call): Promise<void> {
    call.throwIfOver();
    const answered = await this.#gate.pass(async () => {
      await this.#link.probe();
      return true;
    });
    if (!answered) throw new Failure('source_failed', 'the shared cache could not be reached');
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#repeat);
    this.#gate.close();
    await Promise.all([this.#link.close(), this.#bus?.close()]);
  }

  /** Before the gate opens: nothing that was invalidated during an outage may be read after it. */
  async #probe(): Promise<void> {
    await this.#link.probe();
    await this.#link.prepare();
    try {
      await this.#debts.pay((tags, token) => this.#link.invalidate(tags, token));
    } catch (error) {
      if (isOutage(error as Error)) throw error;
    }
  }

  #repeatLater(): void {
    if (this.#closed || this.#debts.size === 0) return;
    this.#repeat ??= setTimeout(() => {
      this.#repeat = undefined;
      void this.#gate
        .pass(() => this.#debts.pay((tags, token) => this.#link.invalidate(tags, token)))
        .then(() => { this.#repeatLater(); });
    }, repeatMs);
  }
}

function foundIn([text, leftMs, lease, ...versions]: Answer): Found {
  return {
    text: text ?? undefined,
    // Nothing of ours has no end: -1 is what somebody else has put there.
    leftMs: Math.max(0, leftMs),
    versions: versions.map((version) => version ?? ''),
    lease,
  };
}
