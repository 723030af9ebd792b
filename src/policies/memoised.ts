import type { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import type { Flight } from '../core/flight.ts';
import type { PolicyOf } from '../core/source.ts';
import { joined } from './shared-trace.ts';
import { SharedWork } from './shared.ts';

/**
 * One request asks a source the same thing once, so that sources may call each other freely. What was asked stays
 * known until the request ends, answers and failures alike.
 */
export const memoised = <In, Out>(key: (input: In) => string): PolicyOf<In, Out> => (next) => (input, call) => {
  if (call.reason) return Promise.reject(call.reason);
  let asked = call.memo.get(next) as Map<string, Memo<Out>> | undefined;
  if (!asked) call.memo.set(next, (asked = new Map<string, Memo<Out>>()));
  const id = key(input);
  const known = asked.get(id);
  if (known) {
    joined(call, known.call.trace);
    return known.join(call);
  }
  // What is left out for a part must not be what another one, which cannot be left out, is told.
  if (call.spare) return next(input, call);
  const memo = new Memo<Out>(asked, id, call);
  const answer = memo.join(call);
  memo.follow(next(input, memo.call));
  return answer;
};

/** What a request has asked: on its way, or known. */
class Memo<Out> extends SharedWork<Out> {
  readonly #asked: Map<string, Memo<Out>>;
  readonly #id: string;
  #known: Promise<Out> | undefined;

  constructor(asked: Map<string, Memo<Out>>, id: string, asker: Call) {
    // Inside the request and outside of every part: the part that asked first may end before the others do.
    super(asker.root.fork());
    this.call.trace = asker.trace;
    this.#asked = asked;
    this.#id = id;
    asked.set(id, this);
  }

  protected override get flight(): Flight {
    return this.call.flight;
  }

  override join(call: Call): Promise<Out> {
    if (!this.#known) return super.join(call);
    call.flight.follow(this.call.flight);
    return this.#known;
  }

  follow(answer: Promise<Out>): void {
    answer.then(
      (value) => { this.#end(answer); this.resolve(value, this.call.flight); },
      (error: unknown) => { this.#end(answer); this.reject(error); },
    );
  }

  /** Whoever asks next asks anew. */
  protected override deserted(reason: Failure): void {
    this.#asked.delete(this.#id);
    this.call.stop(reason);
  }

  #end(answer: Promise<Out>): void {
    this.#known = answer;
    this.call.end();
  }
}
