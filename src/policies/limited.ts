import { type Call, Listener } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { refusals } from '../core/metrics.ts';
import type { Policy, Source } from '../core/source.ts';
import { note } from '../core/trace.ts';
import { endingMs } from './ending.ts';
import { type LimitRules, Room, Waiting } from './room.ts';

/**
 * A bulkhead: a source that hangs holds no more than its places. Who waits leaves when their call ends, and then nothing is
 * asked; whoever comes first is served first.
 */
export const limited = (name: string, rules: LimitRules): Policy => {
  // One for all who are refused, as a guard's.
  const overloaded = new Failure('overloaded', `too many questions wait for ${name}`, { retryAfterMs: 1_000 });
  const refused = refusals.of(name, 'limit');
  return (next) => {
    const room = new Room(rules);
    return (input, call) => {
      if (call.reason) return Promise.reject(call.reason);
      if (room.enter()) return attempt(room, next, input, call);
      if (room.full) {
        note(call.trace, 'tributary.refused', 'limit');
        refused.add();
        return Promise.reject(overloaded);
      }
      return new Promise((resolve, reject) => { room.queue(new Waiter(room, next, input, call, resolve, reject)); });
    };
  };
};

/** Asks, and gives the place back when that has ended. */
function attempt<In, Out>(room: Room, next: Source<In, Out>, input: In, call: Call): Promise<Out> {
  const place = new Place(room, call);
  const answer = next(input, call);
  const leave = (): void => { place.leave(); };
  answer.then(leave, leave);
  return answer;
}

/** Somebody who waits for a place, for as long as their call goes on. */
class Waiter<In, Out> extends Waiting {
  readonly #room: Room;
  readonly #next: Source<In, Out>;
  readonly #input: In;
  readonly #call: Call;
  readonly #resolve: (answer: Promise<Out>) => void;
  readonly #reject: (reason: Failure) => void;

  constructor(room: Room, next: Source<In, Out>, input: In, call: Call, resolve: (answer: Promise<Out>) => void, reject: (reason: Failure) => void) {
    super();
    this.#room = room;
    this.#next = next;
    this.#input = input;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    call.listen(this);
  }

  override enter(): void {
    this.#call.unlisten(this);
    this.#resolve(attempt(this.#room, this.#next, this.#input, this.#call));
  }

  override stopped(reason: Failure): void {
    this.#room.unqueue(this);
    this.#reject(reason);
  }
}

/** The place of an attempt under way: given back when it has ended, or soon after it should have. */
class Place extends Listener {
  readonly #room: Room;
  readonly #call: Call;
  #timer: NodeJS.Timeout | undefined;
  #left = false;

  constructor(room: Room, call: Call) {
    super();
    this.#room = room;
    this.#call = call;
    call.listen(this);
  }

  override stopped(): void {
    this.#timer = setTimeout(leave, endingMs, this);
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#call.unlisten(this);
    clearTimeout(this.#timer);
    this.#room.leave();
  }
}

function leave(place: Place): void {
  place.leave();
}
