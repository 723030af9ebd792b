import type { Answer, PartReport } from '../../src/core/answer.ts';
import { PartFailure } from '../../src/core/failure.ts';
import { leftOut } from '../../src/policies/spared.ts';
import type { PartPlan, ScreenPlan, SourcePlan } from './plan.ts';
import type { Value } from './process.ts';
import type { Visit } from './visit.ts';

type Data = Readonly<Record<string, unknown>>;

/** What may be said to somebody who still waits. That somebody else has gone is never among it. */
const told = new Set(['not_found', 'source_failed', 'bad_answer', 'overloaded', 'source_resting', 'deadline_exceeded']);

/** A source that has just failed is left alone for so long, while there is something to serve. */
const backOffMs = 1_000;

/** Looks whether an answer may be given to a visit. What is wrong goes to the journal. */
export class Judge {
  readonly #visit: Visit;
  readonly #reports: ReadonlyMap<string, PartReport>;
  #left: number;

  constructor(visit: Visit, reports: readonly PartReport[]) {
    this.#visit = visit;
    this.#reports = new Map(reports.map((report) => [report.part, report]));
    this.#left = reports.length;
  }

  static answer(visit: Visit, answer: Answer<Data>): void {
    const judge = new Judge(visit, answer.parts);
    judge.#screen(visit.screen, answer.data, '');
    if (judge.#left !== 0) judge.#fault(`the answer has ${judge.#left} reports too many`);
    const missing = answer.parts.some(({ state }) => state === 'missing');
    if (answer.complete === missing) judge.#fault('the answer says that it is complete, and is not, or the other way round');
    visit.world.journal.saw('an answer was complete', answer.complete);
  }

  /** What a visit that did not leave may be told instead of an answer. */
  static failure(visit: Visit, error: unknown): void {
    const { journal } = visit.world;
    const judge = new Judge(visit, []);
    if (!(error instanceof PartFailure)) return judge.#fault(`it failed with ${String(error)}, which names no part`);
    if (!told.has(error.code)) judge.#fault(`it was told ${error.code} of ${error.part}`);
    if (error.message === leftOut.message) judge.#fault(`the required part ${error.part} was left out`);
    if (!isRequired(visit.screen, error.part.split('.'))) judge.#fault(`it failed for ${error.part}, which is no required part`);
    judge.#rests(error);
    journal.saw('a required part failed the answer');
    journal.saw('a required part of a nested aggregate failed', error.part.includes('.'));
  }

  /** A part of a stream, as it lands. */
  landed(part: PartPlan, value: unknown): void {
    this.#part(part, value, part.name);
  }

  #screen({ parts }: ScreenPlan, data: Data, path: string): void {
    for (const part of parts) this.#part(part, data[part.name], path + part.name);
  }

  #part({ required, asks }: PartPlan, value: unknown, path: string): void {
    const report = this.#reports.get(path);
    this.#left--;
    if (!report) return this.#fault(`nothing is said about ${path}`);
    if (report.state === 'missing') return this.#missing(report, required, value);
    if (report.failure) this.#fault(`${path} is there, and failed`);
    if (typeof value !== 'object' || value === null) return this.#fault(`${path} is ${report.state}, and its value is ${String(value)}`);
    if ('parts' in asks) return this.#screen(asks, value as Data, `${path}.`);
    this.#value(asks, value as Value, path);
    this.#fresh(asks, value as Value, report);
  }

  #missing({ part, failure }: PartReport, required: boolean, value: unknown): void {
    const { journal } = this.#visit.world;
    if (required) this.#fault(`the required part ${part} is missing in an answer`);
    if (!failure || !told.has(failure.code)) this.#fault(`${part} is missing because of ${failure?.code}`);
    if (failure?.message === leftOut.message && !this.#visit.brownout) this.#fault(`${part} was left out, and there was no brownout`);
    if (value !== null) this.#fault(`${part} is missing, and its value is ${JSON.stringify(value)}`);
    if (failure) this.#rests(failure);
    journal.saw('an optional part was missing');
    journal.saw('a brownout left a part out', failure === leftOut);
  }

  /** Only its message says which source rests: that of the part, or one that it needs. */
  #rests({ code, message }: { readonly code: string; readonly message: string }): void {
    const { process, world } = this.#visit;
    if (code === 'source_resting') world.attempts.rests(process.at, message.slice(0, message.indexOf(' ')));
  }

  /** It is of whom it was asked about, and so is what it was made from. */
  #value(plan: SourcePlan, value: Value, path: string): void {
    const { question, world } = this.#visit;
    if (value.source !== plan.name) this.#fault(`${path} is of ${value.source}, and not of ${plan.name}`);
    if (value.user !== question.user) this.#fault(`${path} is ${value.user}'s`);
    if (plan.byPage && value.page !== question.page) this.#fault(`${path} is page ${value.page}`);
    if (!plan.keyed && !plan.cache && value.asker !== question.asker) this.#fault(`${path} was loaded for visit ${value.asker}`);
    if (plan.needs !== undefined) this.#whose(world.plan.sources[plan.needs]!, value.needed, `${path}.needed`);
  }

  #whose(plan: SourcePlan, value: Value | undefined, path: string): void {
    if (value?.source !== plan.name || value.user !== this.#visit.question.user) return this.#fault(`${path} is ${value?.source} of ${value?.user}`);
    if (plan.needs !== undefined) this.#whose(this.#visit.world.plan.sources[plan.needs]!, value.needed, `${path}.needed`);
  }

  #fresh(plan: SourcePlan, value: Value, { part, state, collapsed }: PartReport): void {
    const { askedAt, floor, process, brownout, world } = this.#visit;
    const { journal } = world;
    // Who asks may have waited since; at least when they asked it was good.
    const ageMs = askedAt - value.at;
    const { cache } = plan;
    const limitMs = cache && (state === 'cache' ? cache.freshMs : cache.freshMs + cache.errorMs);
    // What was made from another source's stale answer is stale too, and a load that was joined may have begun before.
    const madeFromStale = state === 'stale' && plan.needs !== undefined;
    if (limitMs !== undefined && state !== 'live' && !madeFromStale && ageMs >= limitMs) this.#fault(`${part} is ${state} and was ${ageMs} ms old when it was asked for`);
    // A coalesced load may have begun before; a batch is joined only until it is sent.
    const coalesced = plan.keyed && !plan.batch;
    if (!cache && !coalesced && ageMs > 0) this.#fault(`${part} was loaded ${ageMs} ms before it was asked for`);
    if (!cache && coalesced && askedAt > world.loads.joinableUntil(value)) this.#fault(`${part} was loaded for somebody whose deadline had passed`);
    if (state === 'stale') this.#refreshed(plan, value, part, ageMs);
    if (cache && value.version < floor) this.#fault(`${part} is as of change ${value.version}, and change ${floor} was heard of before`);
    journal.saw('an answer came from the cache', state === 'cache');
    journal.saw('something stale was served', state === 'stale');
    journal.saw('something stale was served at the deadline', state === 'stale' && performance.now() >= this.#visit.deadlineAt);
    journal.saw('what rested was served stale', state === 'stale' && this.#instead(plan, ageMs));
    journal.saw('an answer was shared with another request', collapsed);
    journal.saw('an entry of another process was used', value.process !== process.at);
    journal.saw('a brownout served what was stale', brownout && state === 'stale');
  }

  /** Who is served what is stale sets a refresh off, unless one is under way, or has just failed. Where nothing else says when it may begin. */
  #refreshed({ name, guardMs, limit, batch, cache }: SourcePlan, { user }: Value, part: string, ageMs: number): void {
    const { askedAt, brownout, process, world } = this.#visit;
    if (!cache || guardMs !== undefined || limit || batch || brownout || process.door) return;
    if (ageMs > 0.9 * cache.freshMs + cache.staleMs || world.loads.lately(process.at, name, user, askedAt - backOffMs)) return;
    this.#fault(`${part} is stale, and nobody refreshes it`);
  }

  /** It stood in for a failure, though for a second nothing was loaded: it was the guard that failed. */
  #instead({ name, guardMs, limit, cache }: SourcePlan, ageMs: number): boolean {
    const { askedAt, deadlineAt, brownout, process, question, world } = this.#visit;
    if (!cache || guardMs === undefined || limit || brownout || performance.now() >= deadlineAt || ageMs < cache.freshMs + cache.staleMs) return false;
    return !world.loads.lately(process.at, name, question.user, askedAt - backOffMs);
  }

  #fault(text: string): void {
    this.#visit.world.journal.fault(`${this.#visit.name}: ${text}`);
  }
}

/** The path leads over required parts only, to a source or to a part that has failed as a whole. */
function isRequired({ parts }: ScreenPlan, [name, ...rest]: readonly string[]): boolean {
  const part = parts.find((part) => part.name === name);
  if (!part?.required) return false;
  if (rest.length === 0) return true;
  return 'parts' in part.asks && isRequired(part.asks, rest);
}
