import { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { PolicyOf } from '../core/source.ts';
import { joined } from './shared-trace.ts';
import { Shared } from './shared.ts';

/**
 * Callers who ask the same at the same time share one load. It runs in a call that none of them owns: no caller can
 * cancel it for the others, and the last one to leave stops it. A load past its first asker's deadline takes nobody
 * aboard any more, or a chain of new callers could keep a hanging source waiting for ever.
 */
export const coalesced = <In, Out>(key: (input: In) => string): PolicyOf<In, Out> => (next) => {
  const places: Places<Out> = new Map();
  return (input, call) => {
    if (call.reason) return Promise.reject(call.reason);
    const id = key(input);
    const running = places.get(id)?.load;
    if (running && performance.now() < running.call.deadlineAt) {
      joined(call, running.call.trace);
      return running.join(call);
    }
    const load = new Load<Out>(places, id, call);
    const answer = load.join(call);
    load.follow(next(input, load.call));
    return answer;
  };
};

/**
 * Loads under way. The map holds places and not the loads themselves: under constant churn V8's garbage collector
 * comes late to what a map has held (see Edge), and an empty place is all that it then keeps.
 */
type Places<Out> = Map<string, { load: Load<Out> | undefined }>;

/** A load on its way, and who waits for it. */
class Load<Out> extends Shared<Out> {
  readonly call: Call;
  readonly #places: Places<Out>;
  readonly #id: string;
  readonly #place: { load: Load<Out> | undefined };

  constructor(places: Places<Out>, id: string, asker: Call) {
    super();
    this.call = Call.shared(asker.deadlineAt, asker.trace);
    this.#places = places;
    this.#id = id;
    this.#place = { load: this };
    places.set(id, this.#place);
  }

  follow(answer: Promise<Out>): void {
    answer.then(
      (value) => { this.#end(); this.resolve(value, this.call.flight); },
      (error: unknown) => { this.#end(); this.reject(error); },
    );
  }

  protected override deserted(reason: Failure): void {
    this.#forget();
    this.call.stop(reason);
  }

  #end(): void {
    this.#forget();
    this.call.end();
  }

  #forget(): void {
    this.#place.load = undefined;
    // A newer load may have taken the place of one that was past its deadline.
    if (this.#places.get(this.#id) === this.#place) this.#places.delete(this.#id);
  }
}
