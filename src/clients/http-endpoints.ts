import type { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { observeOpen } from '../core/metrics.ts';
import { note } from '../core/trace.ts';
import { Breaker } from './http-breaker.ts';
import type { Endpoint, Sent, Upstream } from './http-endpoint.ts';

interface Choice {
  readonly endpoint: Endpoint;
  readonly breaker: Breaker;
}

/**
 * Several endpoints that answer the same. A question goes to the less busy of those that may be asked; another attempt at the
 * same question to one that has not been asked, if there is one.
 */
export class Endpoints implements Upstream {
  readonly #choices: readonly Choice[];
  readonly #resting: Failure;
  #turn = 0;

  constructor(name: string, endpoints: readonly Endpoint[], label: string | undefined) {
    this.#choices = endpoints.map((endpoint) => ({ endpoint, breaker: new Breaker() }));
    this.#resting = new Failure('source_resting', `${name} is resting, since it has failed too often`, { retryAfterMs: 1_000 });
    if (label === undefined) return;
    for (const { endpoint, breaker } of this.#choices) observeOpen(() => Number(breaker.open), label, endpoint.address);
  }

  ask(sent: Sent, call: Call): Promise<string> {
    const now = performance.now();
    const choice = this.#choose(call.tried, now);
    if (!choice) {
      note(call.trace, 'tributary.refused', 'breakers');
      return Promise.reject(this.#resting);
    }
    const { endpoint, breaker } = choice;
    (call.tried ??= new Set()).add(endpoint);
    const attempt = breaker.begin(call, now);
    const answer = endpoint.ask(sent, call);
    attempt.follow(answer);
    return answer;
  }

  /** All of them answer: with one that does not, the service is degraded. */
  async check(call: Call): Promise<void> {
    await Promise.all(this.#choices.map(({ endpoint }) => endpoint.check(call)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#choices.map(({ endpoint }) => endpoint.close()));
  }

  #choose(tried: ReadonlySet<object> | undefined, now: number): Choice | undefined {
    let best: Choice | undefined;
    let bestRank = Infinity;
    // Begins with another one each time, or the first would be asked all that comes alone.
    const first = this.#turn++ % this.#choices.length;
    for (let at = 0; at < this.#choices.length; at++) {
      const choice = this.#choices[(first + at) % this.#choices.length]!;
      if (!choice.breaker.admits(now)) continue;
      const rank = choice.endpoint.underWay + (tried?.has(choice.endpoint) ? triedRank : 0);
      if (rank < bestRank) [best, bestRank] = [choice, rank];
    }
    return best;
  }
}

/** Above whatever can be under way: one that was asked already is the last choice. */
const triedRank = 2 ** 32;
