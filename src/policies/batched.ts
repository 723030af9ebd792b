import { Call } from '../core/call.ts';
import { Failure, failureOf } from '../core/failure.ts';
import type { Spread } from '../core/meter.ts';
import { definedBy, type Policy, type Source, stack } from '../core/source.ts';
import { untilOver } from '../core/until-over.ts';
import { wholeFrom } from '../core/whole.ts';
import { endingMs } from './ending.ts';
import { BatchTrace } from './shared-trace.ts';
import { Shared } from './shared.ts';

export interface BatchSpec<In, Out> {
  /** What of the input makes two questions the same; equal keys are asked once. */
  readonly key: (input: In) => string;
  /**
   * Answers for many keys with one query; a key without an answer is left out. Rejecting with a `divisible` Failure
   * says that perhaps a single key is to blame: the keys are then asked again in halves.
   */
  readonly loadMany: (keys: readonly string[], call: Call) => Promise<ReadonlyMap<string, Out>>;
  /** What a key without an answer means. Left out, it is the failure `not_found`. */
  readonly otherwise?: Out;
  /** Keys in one query: 100 keeps a statement within a few milliseconds, and a failed one cheap to ask again. */
  readonly sizeMax?: number;
  /** Queries under way. Few, because what waits meanwhile makes the next batch larger, and so cheaper. */
  readonly inFlightMax?: number;
  /** Keys that wait for their turn; beyond them questions are refused as `overloaded`. */
  readonly waitingMax?: number;
  /** Where it is counted how many keys its queries have; nowhere if left out. */
  readonly sizes?: Spread;
}

/** A batch removes duplicate keys by itself, so that nothing has to coalesce above it. */
export type Batched<In, Out> = Source<In, Out> & {
  /** The same with a policy for its queries, since an attempt of a batch is a query, and not a key; and their sizes counted. */
  readonly byQuery: (policy: Policy, sizes: Spread) => Source<In, Out>;
};

export const isBatched = <In, Out>(source: Source<In, Out>): source is Batched<In, Out> => 'byQuery' in source;

/**
 * Turns one query for many into a source for one. Everything asked in the same turn of the event loop, by whichever
 * requests, travels together; but where the last one asked alone and has its answer, the next need not wait for the
 * end of its turn. The query runs in a call that no asker owns: it is stopped when the last of them left.
 */
export function batched<In, Out>(spec: BatchSpec<In, Out>): Batched<In, Out> {
  for (const most of ['sizeMax', 'inFlightMax', 'waitingMax'] as const) wholeFrom(1, spec[most] ?? 1, `${most} of a batch`);
  const queue = new Queue(spec);
  const ask: Source<In, Out> = (input, call) => queue.ask(spec.key(input), call);
  const byQuery = (policy: Policy, sizes: Spread) => batched({ ...spec, sizes, loadMany: stack(spec.loadMany, policy) });
  return Object.assign(definedBy(ask, spec), { byQuery });
}

class Queue<Out> {
  readonly #spec: BatchSpec<never, Out>;
  /** A new map for each round, since one that churns for ever costs the garbage collector dearly (see Edge). */
  #waiting = new Map<string, Entry<Out>>();
  #inFlight = 0;
  #scheduled = false;
  /** The last batch was of one, so nobody else asks: then to wait for others would be for nothing. */
  #alone = false;

  constructor(spec: BatchSpec<never, Out>) {
    this.#spec = spec;
  }

  ask(key: string, call: Call): Promise<Out> {
    if (call.reason) return Promise.reject(call.reason);
    const { waitingMax = 10_000, inFlightMax = 2 } = this.#spec;
    let entry = this.#waiting.get(key);
    if (!entry) {
      if (this.#waiting.size >= waitingMax) return Promise.reject(new Failure('overloaded', 'too many questions are waiting'));
      entry = new Entry(key, this);
      this.#waiting.set(key, entry);
    }
    if (!this.#scheduled && this.#inFlight < inFlightMax) {
      this.#scheduled = true;
      if (this.#alone && this.#inFlight === 0) queueMicrotask(this.#flush);
      else setImmediate(this.#flush);
    }
    return entry.join(call);
  }

  readonly #flush = (): void => { this.#scheduled = false; this.#send(); };

  /** Nobody wants the answer any more, and it has not been asked for. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }

  #send(): void {
    const { inFlightMax = 2, sizeMax = 100 } = this.#spec;
    while (this.#waiting.size > 0 && this.#inFlight < inFlightMax) {
      const waiting = [...this.#waiting];
      this.#alone = waiting.length === 1;
      const entries = waiting.splice(0, sizeMax).map(([, entry]) => entry);
      this.#waiting = new Map(waiting);
      this.#inFlight++;
      void new Batch(this.#spec, entries).run().finally(() => {
        this.#inFlight--;
        this.#send();
      });
    }
  }
}

/** One key and who asked for it: waiting for its turn, then part of a batch. */
class Entry<Out> extends Shared<Out> {
  readonly key: string;
  readonly #queue: Queue<Out>;
  batch: Batch<Out> | undefined;

  constructor(key: string, queue: Queue<Out>) {
    super();
    this.key = key;
    this.#queue = queue;
  }

  protected override deserted(reason: Failure): void {
    if (this.batch) this.batch.deserted(reason);
    else this.#queue.forget(this.key);
  }
}

/** Keys that travel together. */
class Batch<Out> {
  readonly #spec: BatchSpec<never, Out>;
  readonly #entries: readonly Entry<Out>[];
  readonly #trace: BatchTrace;
  readonly #call: Call;
  /** Keys that are not settled, and that somebody waits for. */
  #wanted: number;

  constructor(spec: BatchSpec<never, Out>, entries: readonly Entry<Out>[]) {
    this.#spec = spec;
    this.#entries = entries;
    this.#wanted = entries.length;
    const askers: Call[] = [];
    let deadlineAt = 0;
    for (const entry of entries) {
      entry.batch = this;
      for (const { call } of entry.askers) {
        askers.push(call);
        deadlineAt = Math.max(deadlineAt, call.deadlineAt);
      }
    }
    this.#trace = new BatchTrace(askers, entries.length);
    this.#call = Call.shared(deadlineAt, this.#trace.trace);
  }

  /** One of the keys is not wanted any more; the query is stopped with the last. */
  deserted(reason: Failure): void {
    if (--this.#wanted === 0) this.#call.stop(reason);
  }

  /** Never rejects: each asker hears for itself, as soon as its key is settled. */
  async run(): Promise<void> {
    await this.#load(this.#entries);
    this.#trace.end();
    this.#call.end();
  }

  async #load(entries: readonly Entry<Out>[]): Promise<void> {
    const { loadMany, sizes } = this.#spec;
    if (this.#call.over || this.#wanted === 0) return;
    sizes?.record(entries.length);
    try {
      const found = await untilOver(loadMany(entries.map(({ key }) => key), this.#call), this.#call, { graceMs: endingMs });
      for (const entry of entries) this.#settle(entry, found);
    } catch (error) {
      const failure = failureOf(error);
      if (!failure.divisible || entries.length === 1) return this.#reject(entries, failure);
      // One half after the other: the batch holds one place among those under way, so it may run one query.
      const middle = entries.length >> 1;
      await this.#load(entries.slice(0, middle));
      await this.#load(entries.slice(middle));
    }
  }

  #settle(entry: Entry<Out>, found: ReadonlyMap<string, Out>): void {
    this.#settles(entry);
    const answer = found.has(entry.key) ? found.get(entry.key) : this.#spec.otherwise;
    if (answer !== undefined) entry.resolve(answer, this.#call.flight);
    else entry.reject(new Failure('not_found', 'there is nothing under this key'));
  }

  #reject(entries: readonly Entry<Out>[], failure: Failure): void {
    this.#trace.failed = failure;
    for (const entry of entries) {
      this.#settles(entry);
      entry.reject(failure);
    }
  }

  /** The other half is stopped when its own askers have left: it must not go on for a key that is settled. */
  #settles({ askers }: Entry<Out>): void {
    if (askers.length > 0) this.#wanted--;
    this.#trace.explain(askers);
  }
}
