import type { Aggregate } from '../aggregate.ts';
import { Call } from '../call.ts';
import type { Failure } from '../failure.ts';
import { endSpan, type Trace } from '../trace.ts';
import { type Because, LivePart, type PartOwner } from './live-part.ts';
import { type Moment, Outcome } from './outcome.ts';
import { View, type Watched, type Watcher } from './view.ts';

/** What a topic needs of whoever keeps it. */
export interface Keeping {
  /** The trace of an ask that is behind no request. */
  trace(aggregate: string): Trace | undefined;
  /** Optional parts are to be left out. */
  brownout(): boolean;
  asks(part: LivePart, because: Because): void;
  /** A part was asked; `before` is what was known of it. */
  landed(part: LivePart, before: Outcome | undefined, trace: Trace | undefined): void;
  /** It was invalidated while it was asked, or is needed anew. */
  again(part: LivePart): void;
  /** Nobody watches any more, or nothing will come. */
  over(topic: Topic): void;
  readonly random: () => number;
  /** How often anything was invalidated in this process. */
  readonly changes: number;
}

/**
 * One aggregate, asked for one input, as long as somebody watches: asked once for all of them. What it knows it has from
 * its parts' sources, so that the cache, batches and bounds are as for any answer.
 */
export class Topic implements PartOwner, Watched {
  /** Undefined where nobody else can join. */
  readonly key: string | undefined;
  readonly parts: readonly LivePart[];
  readonly views = new Set<View>();
  readonly #asked: Aggregate<unknown, unknown>;
  readonly #input: unknown;
  readonly #keeping: Keeping;
  readonly #calls = new Set<Call>();
  #moment: Moment = 0;
  #over = false;

  constructor(asked: Aggregate<unknown, unknown>, input: unknown, key: string | undefined, keeping: Keeping) {
    this.key = key;
    this.#asked = asked;
    this.#input = input;
    this.#keeping = keeping;
    this.parts = asked.planned.map((part) => new LivePart(this, part));
  }

  get name(): string {
    return this.#asked.name;
  }

  /** The first to join has all parts asked, in their own trace. Who joins later is told at once what is known. */
  join(watcher: Watcher, known: string | undefined, trace: Trace | undefined): View {
    const view = new View(this, watcher, this.#moment, known);
    this.views.add(view);
    const unknown = this.parts.filter(({ asking, outcome }) => !asking && !outcome);
    if (unknown.length > 0) this.ask(unknown, 'begin', trace);
    // A required part that failed for others is asked anew for this one, and so is what is due for its turn.
    for (const part of this.parts) {
      const { outcome, asking, goneAt } = part;
      if (outcome && !asking && (outcome.text === undefined || outcome.askedAt <= goneAt)) this.#keeping.again(part);
    }
    return view;
  }

  leave(view: View): void {
    if (this.views.delete(view) && this.views.size === 0) this.#end();
  }

  /** Asks these parts, none of which is being asked, in one call: sources that they share are asked once. */
  ask(parts: readonly LivePart[], because: Because, given?: Trace): void {
    const { name, deadlineMs } = this.#asked;
    const trace = given ?? this.#keeping.trace(name);
    const call = Call.start(deadlineMs, trace);
    call.brownout = this.#keeping.brownout();
    this.#calls.add(call);
    const askedAt = ++this.#moment;
    const { changes } = this.#keeping;
    let left = parts.length;
    const over = () => {
      if (--left > 0) return;
      this.#calls.delete(call);
      call.end();
      if (!given && trace?.span) endSpan(trace.span);
    };
    for (const part of parts) {
      part.asking = true;
      part.askedMs = performance.now();
      this.#keeping.asks(part, because);
      void this.#outcome(part.name, call, askedAt).then((outcome) => {
        if (!this.#over) this.#take(part, outcome, changes, trace);
        over();
      });
    }
  }

  /** What was known of this part is outdated. */
  gone(part: LivePart): void {
    part.goneAt = ++this.#moment;
  }

  /** Never rejects. */
  async #outcome(part: string, call: Call, askedAt: Moment): Promise<Outcome> {
    try {
      const landed = await this.#asked.part(part, this.#input, call);
      return Outcome.landed(landed, askedAt, ++this.#moment);
    } catch (error) {
      return Outcome.failed(part, error, askedAt, ++this.#moment);
    }
  }

  /** `changes` is how many there had been when it was asked. */
  #take(part: LivePart, outcome: Outcome, changes: number, trace: Trace | undefined): void {
    const before = part.outcome;
    const changed = part.take(outcome, this.#keeping.random);
    this.#keeping.landed(part, before, trace);
    if (outcome.isFinal) return this.#end(outcome.failure);
    // Its cache has something newer already; or what invalidates it nobody knows, and then anything may have been it.
    if (outcome.replaced || (part.isBlind && changes !== this.#keeping.changes)) part.goneAt = Math.max(part.goneAt, outcome.askedAt);
    if (part.goneAt >= outcome.askedAt) this.#keeping.again(part);
    for (const view of this.views) if (changed || !view.isCurrent) view.watcher.changed();
  }

  /** Stops whatever is still asked. */
  #end(reason?: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#keeping.over(this);
    for (const call of this.#calls) call.end();
    const views = [...this.views];
    this.views.clear();
    if (reason) for (const { watcher } of views) watcher.ended(reason);
  }
}
