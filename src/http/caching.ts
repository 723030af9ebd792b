import type { PartReport } from '../core/answer.ts';
import type { Freshness } from '../core/flight.ts';

/** `If-None-Match` (RFC 9110, §13.1.2): compared weakly, since a 304 needs no more. */
export function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch === etag || ifNoneMatch === '*' || ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}

/** The client wants nothing from a cache (RFC 9111, §5.2.1.4). */
export const wantsReload = (cacheControl: string | undefined): boolean =>
  cacheControl !== undefined && /(^|[\s,])no-cache($|[\s,])/i.test(cacheControl);

/**
 * How old a complete answer is, and for how long a client may use it: as its part that ends first. With `max-age`
 * counted from when that part was loaded, a client that subtracts `Age` never keeps any part for longer than it is fresh.
 */
export function ages(kept: Freshness | undefined, now: number): { ageS: number; leftS: number } {
  if (!kept) return { ageS: 0, leftS: 0 };
  return {
    ageS: Math.max(0, Math.floor((now - kept.storedAt) / 1_000)),
    leftS: Math.max(0, Math.floor((kept.freshUntil - now) / 1_000)),
  };
}

/** `Cache-Control` of a complete answer. Private: it is about one user. What is stale may be kept, but not used as it is. */
export const cacheControl = ({ ageS, leftS }: { ageS: number; leftS: number }): string => `private, max-age=${leftS === 0 ? 0 : ageS + leftS}`;

/** What the caches of the parts did (RFC 9211), an entry for each part that has one; undefined if none has. */
export function cacheStatus(parts: readonly PartReport[], now: number): string | undefined {
  let text = '';
  for (let at = 0; at < parts.length; at++) {
    const { part, state, kept, collapsed } = parts[at]!;
    // Of a nested aggregate its parts say it, which follow.
    if (!kept || parts[at + 1]?.part.startsWith(`${part}.`)) continue;
    text += `${text === '' ? '' : ', '}tributary.${part}; ${state === 'live' ? `fwd=${kept.because}; stored${collapsed ? '; collapsed' : ''}` : `hit; ttl=${Math.floor((kept.freshUntil - now) / 1_000)}`}`;
  }
  return text === '' ? undefined : text;
}
