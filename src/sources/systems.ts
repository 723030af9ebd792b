import type { Cache } from '../cache/cache.ts';
import type { Clients } from '../clients/clients.ts';

/** What sources stand on. */
export interface Systems extends Clients {
  /** Undefined where nothing is to be kept. */
  readonly cache: Cache | undefined;
}
