import type { Reply, RequestOptions } from './http-client.ts';
import { keepAlive } from './http-client.ts';
import { Changes } from './until.ts';

/** Callers that ask one question after the other, all at the same time, until they are told to stop. */
export interface Traffic {
  readonly replies: readonly Reply[];
  /** Resolves once so many more replies have come. */
  more(count: number): Promise<void>;
  /** Resolves with all replies once the last of them has come. Rejects if a question got none. */
  stop(): Promise<readonly Reply[]>;
}

// Under load a reply may take its time, and a test that is loaded down has to say what it lacks.
const patienceMs = 50_000;

/** Each caller has a connection and a user of its own, from 1 on. */
export function traffic(ask: (user: number, options: RequestOptions) => Promise<Reply>, callers = 8): Traffic {
  const replies: Reply[] = [];
  const changes = new Changes();
  const over = new AbortController();
  const one = async (user: number) => {
    using connection = keepAlive();
    while (!over.signal.aborted) {
      replies.push(await ask(user, { connection, timeoutMs: patienceMs }));
      changes.announce();
    }
  };
  const all = Promise.all(Array.from({ length: callers }, (_, at) => one(at + 1)));
  // Told by `more` and `stop`, whichever is next.
  all.catch(() => undefined);
  return {
    replies,
    async more(count) {
      const wanted = replies.length + count;
      const come = changes.until(() => replies.length >= wanted, () => `expected ${wanted} replies, but got ${replies.length}`, patienceMs);
      await Promise.race([come, all]);
    },
    async stop() {
      over.abort();
      await all;
      return replies;
    },
  };
}
