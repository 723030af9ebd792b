import { startRelay } from './relay.ts';
import { findToxiproxy, startToxiproxy } from './toxiproxy.ts';

/** What a network does to all that its server says, on connections that are open and on those that come. */
export type NetworkFault =
  /** It is swallowed, and nobody is told. */
  | { readonly kind: 'hang' }
  /** The client is reset as soon as the server says something. */
  | { readonly kind: 'reset' }
  /** Each connection ends after so many bytes, in good order. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** It comes in pieces of about `bytes`, each `everyMs` after the one before. */
  | { readonly kind: 'slice'; readonly bytes: number; readonly everyMs: number };

/** A network in front of one server. `await using` ends it, and the connections through it. */
export interface Network extends AsyncDisposable {
  /** The server's URL with the network's address in place of its own. */
  readonly url: string;
  /** Resolves once this is what happens; undefined is a network that is well. Connections that hung may end with their fault. */
  suffer(fault: NetworkFault | undefined): Promise<void>;
}

/**
 * Starts a network in front of the server at `target`: toxiproxy where it can be had, else our own relay, which does the same.
 * The first one may have to build toxiproxy: `findToxiproxy` belongs in a `beforeAll` with its own patience.
 */
export async function startNetwork(target: string): Promise<Network> {
  const found = await findToxiproxy();
  return 'path' in found ? startToxiproxy(found.path, target) : startRelay(target);
}
