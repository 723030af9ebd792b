import type { Params, Result, Router } from 'hono/router';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { SmartRouter } from 'hono/router/smart-router';
import { TrieRouter } from 'hono/router/trie-router';

const everyMethod = 'ALL';

/**
 * Finds paths without parameters by looking them up, and leaves the others to Hono's own routers. A path that is written out
 * goes before a pattern that it fits, whichever was added first: of `/products/live` and `/products/:id` Hono's fast router
 * would take neither, and its slow one would then search for all. One handler is found for each request, since none here hands
 * on to a next one: where Hono finds two, it composes them anew for each request.
 */
export class ExactFirst<T> implements Router<T> {
  readonly name = 'ExactFirst';
  readonly #exact = new Map<string, Map<string, Result<T>>>();
  readonly #patterns = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });

  add(method: string, path: string, handler: T): void {
    if (/[:*{]/.test(path)) return this.#patterns.add(method, path, handler);
    const methods = this.#exact.get(path) ?? new Map<string, Result<T>>();
    const found: [T, Params][] = [[handler, {}]];
    if (!methods.has(method)) methods.set(method, [found]);
    this.#exact.set(path, methods);
  }

  match(method: string, path: string): Result<T> {
    const methods = this.#exact.get(path);
    const found = methods && (methods.get(method) ?? methods.get(everyMethod));
    return found ?? firstOf(this.#patterns.match(method, path));
  }
}

const firstOf = <T>(result: Result<T>): Result<T> =>
  result[0].length > 1 ? ([result[0].slice(0, 1), result[1]] as Result<T>) : result;
