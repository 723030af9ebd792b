/** What pages may read besides what browsers always show. */
const replyHeaders = 'age, cache-status, etag, link, location, ratelimit, ratelimit-policy, retry-after, server-timing, traceresponse, www-authenticate';

/** What a reply to a page of each origin says (WHATWG Fetch, §3.3). Made once: origins are few, and replies many. */
export class Cors {
  readonly #byOrigin: ReadonlyMap<string, readonly string[]>;
  readonly #others: readonly string[];

  /** With `*` among the origins every page may read what it gets. Nobody sends cookies here, so there are no credentials to allow. */
  constructor(origins: readonly string[]) {
    const all = origins.includes('*');
    this.#byOrigin = new Map(all ? [] : origins.map((origin) => [origin, ['vary', 'origin', ...allowing(origin)]]));
    this.#others = all ? allowing('*') : ['vary', 'origin'];
  }

  /** Names and values by turns. */
  headersFor(origin: string | undefined): readonly string[] {
    return (origin === undefined ? undefined : this.#byOrigin.get(origin)) ?? this.#others;
  }
}

const allowing = (origin: string): string[] =>
  ['access-control-allow-origin', origin, 'access-control-expose-headers', replyHeaders, 'timing-allow-origin', origin];
