import { z } from 'zod';
import { createHttpClient, type HttpClient, type HttpOptions } from '../../src/clients/http.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';

export const Recommendations = z.object({ recommendations: z.array(z.string()) });

/** A client under test. `await using` closes it. */
export interface Recommender extends HttpClient, AsyncDisposable {
  /** The text of an answer to a question on a call of its own. */
  ask(user?: string): Promise<string>;
}

export function connectRecommender(url: string | readonly string[], options: Partial<HttpOptions> = {}): Recommender {
  const client = createHttpClient({ name: 'recommendations', url, ...options });
  return {
    bulk: client.bulk,
    endpoints: client.endpoints,
    getEach: (question, call) => client.getEach(question, call),
    get: (...question) => client.get(...question),
    post: (...question) => client.post(...question),
    check: (call) => client.check(call),
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
    async ask(user = '42') {
      using call = startCall(10_000);
      return (await client.get(about(user), call)).text;
    },
  };
}

export const about = (user: string) => ({ path: '/recommendations', query: { user }, answer: Recommendations }) as const;

/** Why a caller goes away. */
export const gone = new Failure('client_gone', 'the client went away');
