import { vi } from 'vitest';
import type { JwkSet, KeySource } from '../../../src/clients/jwks.ts';
import type { Call } from '../../../src/core/call.ts';
import { Keys } from '../../../src/http/auth/keys.ts';
import { settled } from '../../core/fake-time.ts';
import { keptLog } from '../in-memory.ts';

/** A long time passes at once: of the loads that fall into it only the first comes to an end. */
export async function skip(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await settled();
}

export const minute = 60_000;
export const hour = 60 * minute;

/** Keys over an issuer that does as it is told. */
export function stagedKeys(first: JwkSet | Error) {
  const issuer = { publishes: first as JwkSet | Error | 'nothing', loads: 0, closed: false };
  const source: KeySource = {
    name: 'the issuer',
    everyMs: 5 * minute,
    load: (call: Call) => {
      issuer.loads++;
      const { publishes } = issuer;
      if (publishes === 'nothing') return new Promise((_, reject) => { call.signal.addEventListener('abort', () => { reject(call.reason!); }, { once: true }); });
      return publishes instanceof Error ? Promise.reject(publishes) : Promise.resolve(publishes);
    },
    close: () => { issuer.closed = true; return Promise.resolve(); },
  };
  const { log, lines } = keptLog();
  return { issuer, lines, keys: new Keys(source, log) };
}
