import type { BusListener, Found, LeaseWanted, SharedTier } from '../../src/cache/tier.ts';

/** What somebody asked of the tier: in the tests' words, `read+lease`, `put`, `put+token`, `release`, `drop`, `invalidate`. */
export type Deed = readonly [what: string, key: string];

interface Entry {
  readonly text: string;
  readonly endsAt: number;
}

/**
 * The rules of the shared tier in maps, with no wire: each process has a `door` to it. Its clock is the tests' own, and
 * a door can be shut, so that whoever asks gets no answer, or slow.
 */
export class ScriptedTier {
  readonly entries = new Map<string, Entry>();
  readonly leases = new Map<string, { readonly token: string; readonly endsAt: number }>();
  readonly versions = new Map<string, string>();
  readonly deeds: Deed[] = [];
  readonly doors: Door[] = [];

  door(): Door {
    const door = new Door(this);
    this.doors.push(door);
    return door;
  }

  /** What is stored and not over, by the key. */
  get(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    return entry && performance.now() < entry.endsAt ? entry : undefined;
  }

  leased(key: string): string | undefined {
    const lease = this.leases.get(key);
    return lease && performance.now() < lease.endsAt ? lease.token : undefined;
  }

  /** The leases that somebody holds. */
  get held(): number {
    return [...this.leases.keys()].filter((key) => this.leased(key) !== undefined).length;
  }

  /** The only key there is. */
  get key(): string {
    const [key, ...more] = [...new Set(this.deeds.map(([, key]) => key))];
    if (key === undefined || more.length > 0) throw new Error(`expected one key, but got ${more.length + 1}`);
    return key;
  }

  /** What was done, without the keys. */
  get done(): readonly string[] {
    return this.deeds.map(([what]) => what);
  }
}

/** The tier as one process has it. */
export class Door implements SharedTier {
  /** Nothing comes through: neither what is asked nor what is told. */
  shut = false;
  /** No invalidation is taken, but for those that are owed; everything else comes through. */
  refuses = false;
  /** It can be read, and nothing be had of it: a replica. */
  grantsNone = false;
  /** How long the answer to a read is on its way. */
  delayMs = 0;
  readonly #tier: ScriptedTier;
  #listener: BusListener | undefined;
  /** Invalidations that could not be done, to be made up for before anything is read. */
  #debts: (readonly [tags: readonly string[], token: string])[] = [];

  constructor(tier: ScriptedTier) {
    this.#tier = tier;
  }

  async read(key: string, tags: readonly string[], lease?: LeaseWanted): Promise<Found | undefined> {
    if (this.shut) return undefined;
    this.#tier.deeds.push([lease ? 'read+lease' : 'read', key]);
    const found = this.#found(key, tags, lease);
    if (this.delayMs > 0) await new Promise<void>((resolve) => { setTimeout(resolve, this.delayMs); });
    return this.shut ? undefined : found;
  }

  put(key: string, text: string, ttlMs: number, token?: string): void {
    if (this.shut) return;
    this.#tier.deeds.push([token === undefined ? 'put' : 'put+token', key]);
    this.#tier.entries.set(key, { text, endsAt: performance.now() + Math.max(1, Math.ceil(ttlMs)) });
    if (token !== undefined) this.#giveBack(key, token);
  }

  release(key: string, token: string): void {
    if (this.shut) return;
    this.#tier.deeds.push(['release', key]);
    this.#giveBack(key, token);
  }

  drop(key: string): void {
    if (this.shut) return;
    this.#tier.deeds.push(['drop', key]);
    this.#tier.entries.delete(key);
  }

  invalidate(tags: readonly string[], token: string): Promise<boolean> {
    if (this.shut) this.#debts.push([tags, token]);
    if (this.shut || this.refuses) return Promise.resolve(false);
    this.#tell(tags, token);
    return Promise.resolve(true);
  }

  listen(listener: BusListener): void {
    this.#listener = listener;
  }

  /** From now on nothing comes through, and the process is told so. */
  close(): void {
    if (this.shut) return;
    this.shut = true;
    this.#listener?.lost();
  }

  open(): void {
    if (!this.shut) return;
    this.shut = false;
    for (const [tags, token] of this.#debts.splice(0)) this.#tell(tags, token);
    this.#listener?.back();
  }

  #tell(tags: readonly string[], token: string): void {
    for (const tag of tags) this.#tier.versions.set(tag, token);
    for (const door of this.#tier.doors) if (!door.shut) door.#listener?.gone(tags);
  }

  #found(key: string, tags: readonly string[], lease?: LeaseWanted): Found {
    const now = performance.now();
    const entry = this.#tier.get(key);
    const leftMs = entry ? Math.floor(entry.endsAt - now) : 0;
    let granted: Found['lease'] = 'none';
    if (lease && !this.grantsNone && (!entry || leftMs < lease.unlessLeftMs)) {
      granted = this.#tier.leased(key) === undefined ? 'won' : 'lost';
      if (granted === 'won') this.#tier.leases.set(key, { token: lease.token, endsAt: now + lease.ms });
    }
    return { text: entry?.text, leftMs, versions: tags.map((tag) => this.#tier.versions.get(tag) ?? ''), lease: granted };
  }

  #giveBack(key: string, token: string): void {
    if (this.#tier.leased(key) === token) this.#tier.leases.delete(key);
  }
}
