import { Call } from '../core/call.ts';
import { type Failure, type FailureCode, failureOf } from '../core/failure.ts';
import { type Fallback, Flight } from '../core/flight.ts';
import { JsonText } from '../core/json-text.ts';
import { pause } from '../core/pause.ts';
import { endSpan, note } from '../core/trace.ts';
import { untilOver } from '../core/until-over.ts';
import type { Line, Running, Wanted } from './line.ts';
import type { Place } from './places.ts';
import { behind } from './shared-trace.ts';
import { nothing, SharedEntry } from './shared-entry.ts';
import { SharedWork } from './shared.ts';
import type { Limits, Stored } from './stored.ts';

/** A load behind everybody's back has no asker whose deadline would end it: it is given more time than any aggregate has. */
const backgroundMs = 5_000;

/** A source that has just failed is left alone for so long, while there is something to serve. */
const backOffMs = 1_000;

/** When those who lost the lease look whether its winner is done; then they load by themselves. Together 50 ms. */
const looksMs = [15, 35];

/** Failures that a stale answer does not mend: they say something about the question, and a new answer would too. */
const unmendable: ReadonlySet<FailureCode> = new Set(['not_found', 'invalid_input', 'unauthenticated', 'forbidden']);

/** Loads what a cache has not, and puts it there; with a shared tier it looks there first. */
export class Fill<In, Out> extends SharedWork<Out> implements Running<Out>, Fallback {
  readonly #line: Line<In, Out>;
  readonly #wanted: Wanted<In, Out>;
  readonly #tags: readonly string[] | undefined;
  readonly #place: Place<Running<Out>>;
  readonly #background: boolean;
  readonly #entry: SharedEntry<Out> | undefined;
  #known: Stored<Out> | undefined;
  /** Who is aboard hears now: what is stale is not for them any more. */
  #closed = false;

  private constructor(line: Line<In, Out>, wanted: Wanted<In, Out>, call: Call, background: boolean, entry?: SharedEntry<Out>) {
    super(call);
    this.#line = line;
    this.#wanted = wanted;
    this.#background = background;
    this.#known = wanted.known;
    this.#tags = line.plan.tagsOf ? line.plan.tagsOf(wanted.input) : [];
    this.#entry = entry ?? SharedEntry.of<Out>(line.cache, line.plan, wanted.key, line.plan.subjectOf(wanted.input), this.#tags);
    this.#place = line.places.take(wanted.key, this);
  }

  /** A load that somebody waits for, and others may join: it is stopped when the last of them has left. */
  static inForeground<In, Out>(line: Line<In, Out>, wanted: Wanted<In, Out>, asker: Call): Promise<Out> {
    const fill = new Fill(line, wanted, Call.shared(asker.deadlineAt, asker.trace), false);
    const answer = fill.join(asker);
    void fill.#run();
    return answer;
  }

  /** A load that nobody waits for. `leased` is what the shared tier has granted for it already. */
  static inBackground<In, Out>(line: Line<In, Out>, wanted: Wanted<In, Out>, leased?: SharedEntry<Out>): void {
    const trace = behind(wanted.trace, 'refresh');
    const fill = new Fill(line, wanted, Call.start(backgroundMs, trace), true, leased);
    void (leased ? fill.#load() : fill.#run()).then(() => { if (trace?.span && trace !== wanted.trace) endSpan(trace.span); });
  }

  /** As long as it is not past its deadline, and nothing was invalidated since it began. */
  get takesAboard(): boolean {
    return performance.now() < this.call.deadlineAt && !this.#line.cache.goneSince(this.startedAt, this.#tags);
  }

  override join(call: Call): Promise<Out> {
    call.flight.fallback = this;
    return super.join(call);
  }

  protected override deserted(reason: Failure): void {
    if (this.#background) return;
    this.#line.places.leave(this.#place);
    if (reason.code === 'deadline_exceeded') this.#known?.failed(performance.now() + backOffMs);
    this.call.stop(reason);
  }

  /** What may be served where loading fails. It may have had to make room, and then nobody has marked it as outdated. */
  get #substitute(): Stored<Out> | undefined {
    const known = this.#known;
    return known?.mends(performance.now()) && !this.#line.cache.goneSince(this.startedAt, known.tags) ? known : undefined;
  }

  /** For somebody whose time is over before there is an answer: what is stale, rather than nothing. */
  insteadFor(flight: Flight): Out | undefined {
    const known = this.#closed ? undefined : this.#substitute;
    if (known) flight.follow(this.#line.mended(known, 1));
    return known?.value;
  }

  /** Never rejects: askers hear for themselves. */
  async #run(): Promise<void> {
    if (this.#entry && (await this.#fromShared(this.#entry))) return this.#end();
    await this.#load();
  }

  /** True if nothing has to be loaded: the shared tier had it, or somebody else is loading it. */
  async #fromShared(entry: SharedEntry<Out>): Promise<boolean> {
    const found = await entry.look();
    if (this.call.over) {
      entry.release();
      return true;
    }
    // A client that wants nothing from a cache still has its answer put there.
    if (this.#wanted.because === 'request') return false;
    if (this.#serves(found, entry)) return true;
    if (!entry.lost) return false;
    if (this.#background && this.askers.length === 0) {
      this.#close();
      this.#known?.retryLater(performance.now() + looksMs[1]!);
      return true;
    }
    for (const ms of looksMs) {
      await pause(ms, this.call);
      if (this.call.over || this.#serves(await entry.look({ lease: false }), entry)) return true;
    }
    return this.call.over;
  }

  /** Gives the askers what the shared tier had, if it may still be served; who has won the lease then renews it. */
  #serves(found: Stored<Out> | undefined, entry: SharedEntry<Out>): boolean {
    const now = performance.now();
    const best = found && this.#line.hold(found, this.startedAt, now);
    if (!best) return false;
    if (best.mends(now)) this.#known = best;
    const fresh = now < best.freshUntil;
    if (!fresh && !best.inGrace(now)) return false;
    this.#close();
    if (best.value === undefined) this.reject(nothing);
    else this.resolve(best.value, Flight.of(fresh ? 'cache' : 'stale', best));
    // The tier knows one limit for all; by it, that there is nothing is never fresh.
    if (fresh) entry.release();
    else if (entry.lost) best.retryLater(now + looksMs[1]!);
    else Fill.inBackground(this.#line, { ...this.#wanted, known: best, because: 'stale' }, entry);
    return true;
  }

  async #load(): Promise<void> {
    const { next } = this.#line;
    try {
      // The last asker may have left since the shared tier was asked, if only by a turn of the promises.
      this.call.throwIfOver();
      // Nobody waits for a source that does not stop: its place and its lease would be taken for ever.
      const answer = await untilOver(next(this.#wanted.input, this.call), this.call);
      if (!(answer instanceof JsonText)) throw new TypeError('expected a cached source to answer with JsonText, but got something else');
      this.#loaded(answer);
    } catch (error) {
      this.#failed(failureOf(error));
    } finally {
      this.#entry?.release();
      this.#end();
    }
  }

  #loaded(answer: Out): void {
    const { served, kept } = this.call.flight;
    // What was made from something stale is as stale, and not kept.
    const flight = served === 'stale' ? Flight.of(served, kept) : Flight.of('live', this.#keep(answer, this.#line.plan));
    this.#close();
    this.resolve(answer, flight);
  }

  #failed(failure: Failure): void {
    // Deserted: nobody waits, and that says nothing about the source.
    if (this.call.over && !this.#background) return;
    this.#close();
    if (unmendable.has(failure.code)) {
      this.#line.drop(this.#wanted.key, this.startedAt);
      if (failure.code === 'not_found') this.#keep(failure, this.#line.plan.negative);
      else this.#entry?.drop();
      return this.reject(failure);
    }
    const known = this.#substitute;
    if (!known) return this.reject(failure);
    known.failed(performance.now() + backOffMs);
    note(this.call.trace, 'tributary.mended', failure.code);
    this.resolve(known.value as Out, this.#line.mended(known, this.askers.length));
  }

  #keep(answer: Out | Failure, limits: Limits): Stored<Out> | undefined {
    return this.#line.keep(this.#wanted, Math.min(this.startedAt, this.call.flight.since), answer, limits, this.#entry);
  }

  #close(): void {
    this.#closed = true;
    this.#line.places.leave(this.#place);
  }

  #end(): void {
    this.#close();
    this.call.end();
  }
}
