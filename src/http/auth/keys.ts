import { createLocalJWKSet, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose';
import type { Logger } from 'pino';
import type { JwkSet, KeySource } from '../../clients/jwks.ts';
import { startCall } from '../../core/call.ts';
import { badTokens, keysUnavailable } from './refused.ts';

/** A load that takes longer has failed: callers with a new key wait for it, within their own deadlines. */
const loadMs = 1_000;

/** Anybody can send tokens with keys that nobody knows: together they cause one load within this time. */
const soughtEveryMs = 30_000;

/** After a load that failed: as long as that where there are keys to go on with, and sooner where nobody can be let in. */
const againMs = 30_000;
const againWithoutKeysMs = 5_000;

/** For how long keys are believed after they were last loaded. Longer than issuers are down, and shorter than a stolen key should work because we heard nothing. */
const believedMs = 24 * 60 * 60_000;

/**
 * The keys of the issuer, loaded at the start and again and again behind everybody's back. What was loaded serves on while
 * loading fails, for a day; jose's own remote set fails with its first reload that does.
 */
export class Keys {
  /** Told when a key has been withdrawn: what was verified with it is not to be believed any more. */
  onWithdrawn: () => void = () => undefined;
  readonly #source: KeySource;
  readonly #log: Logger;
  #find: ReturnType<typeof createLocalJWKSet> | undefined;
  /** The keys as they were published, by their ids. */
  #published: ReadonlyMap<string, string> = new Map();
  #believedUntil = -Infinity;
  #failed = false;
  #loading: Promise<void> | undefined;
  #soughtAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(source: KeySource, log: Logger) {
    this.#source = source;
    this.#log = log;
  }

  /** Resolves after the first load, whatever came of it: loading goes on by itself. */
  start(): Promise<void> {
    return this.#load();
  }

  /** Whether what was verified before may still be believed. `now` is `performance.now()`. */
  believed(now: number): boolean {
    return now < this.#believedUntil;
  }

  /**
   * The key that a token says it was signed with. One that nobody knows may be new, so the keys are loaded, once for all who
   * wait. Rejects with a refusal, or `keys_unavailable` where there is no telling whether such a key exists.
   */
  async keyFor(header: JWTHeaderParameters): Promise<CryptoKey> {
    const { kid } = header;
    if (typeof kid !== 'string') throw badTokens.unknownKey;
    if (!this.#has(kid)) await this.#seek();
    if (this.#find && this.#has(kid)) return this.#find(header);
    throw this.#failed || !this.believed(performance.now()) ? keysUnavailable : badTokens.unknownKey;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#source.close();
    await this.#loading;
  }

  #has(kid: string): boolean {
    return this.believed(performance.now()) && this.#published.has(kid);
  }

  async #seek(): Promise<void> {
    if (!this.#loading) {
      const now = performance.now();
      if (now - this.#soughtAt < soughtEveryMs) return;
      this.#soughtAt = now;
    }
    await this.#load();
  }

  /** Never rejects. */
  #load(): Promise<void> {
    return (this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined;
      if (this.#closed) return;
      const waitMs = !this.#failed ? this.#source.everyMs : this.believed(performance.now()) ? againMs : againWithoutKeysMs;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => { void this.#load(); }, Math.min(waitMs, this.#source.everyMs));
    }));
  }

  async #loadOnce(): Promise<void> {
    using call = startCall(loadMs);
    try {
      this.#take(await this.#source.load(call));
      if (this.#failed) this.#log.info({ keys: this.#published.size }, 'the keys of the issuer are loaded again');
      this.#failed = false;
    } catch (error) {
      this.#failed = true;
      if (!this.#closed) this.#log.warn({ err: error, source: this.#source.name, keys: this.#published.size }, 'the keys of the issuer could not be loaded: those that are known serve on');
    }
  }

  #take({ keys }: JwkSet): void {
    const usable = keys.filter((key) => isPublicKey(key));
    // Whoever publishes none has made a mistake: to withdraw all keys, an issuer publishes another one.
    if (usable.length === 0) throw new Error('expected a key set with a public key that has a kid, but got none');
    const published = new Map(usable.map((key) => [key.kid, JSON.stringify(key)]));
    const withdrawn = [...this.#published].some(([kid, key]) => published.get(kid) !== key);
    this.#find = createLocalJWKSet({ keys: usable });
    this.#published = published;
    this.#believedUntil = performance.now() + believedMs;
    if (withdrawn) this.onWithdrawn();
  }
}

type PublicKey = JWK & { readonly kid: string };

/** Of a pair the half that may be published, with a name. A secret in a published set is known to everybody, and so is a private key. */
const isPublicKey = (key: JWK): key is PublicKey =>
  (key.kty === 'RSA' || key.kty === 'EC' || key.kty === 'OKP') && typeof key.kid === 'string' && key.d === undefined && (key.use === undefined || key.use === 'sig');
