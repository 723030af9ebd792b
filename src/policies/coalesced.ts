import { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { PolicyOf } from '../core/source.ts';
import { type Place, Places } from './places.ts';
import { joined } from './shared-trace.ts';
import { SharedWork } from './shared.ts';

/**
 * Callers who ask the same at the same time share one load. It runs in a call that none of them owns: no caller can
 * cancel it for the others, and the last one to leave stops it. A load past its first asker's deadline takes nobody
 * aboard any more, or a chain of new callers could keep a hanging source waiting for ever.
 */
export const coalesced = <In, Out>(key: (input: In) => string): PolicyOf<In, Out> => (next) => {
  const places = new Places<Load<Out>>();
  return (input, call) => {
    if (call.reason) return Promise.reject(call.reason);
    const id = key(input);
    const running = places.get(id);
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

/** A load on its way, and who waits for it. */
class Load<Out> extends SharedWork<Out> {
  readonly #places: Places<Load<Out>>;
  readonly #place: Place<Load<Out>>;

  constructor(places: Places<Load<Out>>, id: string, asker: Call) {
    super(Call.shared(asker.deadlineAt, asker.trace));
    this.call.flight.since = this.startedAt;
    this.#places = places;
    this.#place = places.take(id, this);
  }

  follow(answer: Promise<Out>): void {
    answer.then(
      (value) => { this.#end(); this.resolve(value, this.call.flight); },
      (error: unknown) => { this.#end(); this.reject(error); },
    );
  }

  protected override deserted(reason: Failure): void {
    this.#places.leave(this.#place);
    this.call.stop(reason);
  }

  #end(): void {
    this.#places.leave(this.#place);
    this.call.end();
  }
}
