import { hash } from 'node:crypto';
import { type PartReport, valueJson } from '../answer.ts';
import { type Failure, type FailureCode, failureOf } from '../failure.ts';
import type { Landed } from '../gathering.ts';

/** As many characters of base64 as make 48 bits: that a change has the hash of what was there before happens once in 10^14 changes. */
export const hashLength = 8;

/** What would be a client's mistake is not mended by asking again: the answer is that there is none. */
const final: ReadonlySet<FailureCode> = new Set(['not_found', 'invalid_input', 'bad_request', 'unauthenticated', 'forbidden']);

/** When something happened to a topic: no time, but the order of what happened. */
export type Moment = number;

/** What came of asking for a part. */
export class Outcome {
  readonly part: string;
  /** Its report and those of what is nested in it; none of a required part that failed. */
  readonly reports: readonly PartReport[];
  /** Why the part is missing, if it is. */
  readonly failure: Failure | undefined;
  /** JSON on one line; undefined for a required part that failed, which has nothing to stand in its place. */
  readonly text: string | undefined;
  /** The same for the same text and code, in whichever process. */
  readonly hash: string;
  readonly askedAt: Moment;
  readonly landedAt: Moment;
  /** On the clock of `performance.now()`. */
  readonly landedMs = performance.now();

  private constructor(part: string, text: string | undefined, reports: readonly PartReport[], failure: Failure | undefined, askedAt: Moment, landedAt: Moment) {
    this.part = part;
    this.text = text;
    this.reports = reports;
    this.failure = failure;
    this.askedAt = askedAt;
    this.landedAt = landedAt;
    const codes = failure && reports.length === 0 ? failure.code : reports.map((report) => report.failure?.code ?? '').join(' ');
    // Neither a name nor a code has a line break in it.
    this.hash = hash('sha1', `${part}\n${codes}\n${text ?? ''}`, 'base64url').slice(0, hashLength);
  }

  /** Throws what `valueJson` throws for a value that has no JSON. */
  static landed({ name, value, reports }: Landed, askedAt: Moment, landedAt: Moment): Outcome {
    // JSON may break lines between its tokens, as json_agg does, and only there.
    return new Outcome(name, valueJson(value).replaceAll(/[\r\n]+/g, ' '), reports, reports[0]?.failure, askedAt, landedAt);
  }

  /** Of a required part. */
  static failed(part: string, error: unknown, askedAt: Moment, landedAt: Moment): Outcome {
    return new Outcome(part, undefined, [], failureOf(error), askedAt, landedAt);
  }

  /** There is nothing, and will not be soon: whoever watches is told so and sent away. */
  get isFinal(): boolean {
    return this.text === undefined && this.failure !== undefined && final.has(this.failure.code);
  }

  /** Whatever invalidates it, as far as that is known. */
  get tags(): readonly string[] {
    return this.reports.flatMap(({ kept }) => kept?.tags ?? []);
  }

  /** Until when it needs no second look, on the clock of `performance.now()`; undefined where no cache says so. */
  get freshUntil(): number | undefined {
    const [own] = this.reports;
    return own?.kept && own.state !== 'stale' && own.state !== 'missing' ? own.kept.freshUntil : undefined;
  }

  /** A cache keeps it, all of it. */
  get kept(): boolean {
    return this.reports[0]?.kept !== undefined;
  }

  /** A cache keeps something newer by now. */
  get replaced(): boolean {
    return this.reports.some(({ kept }) => kept?.dropped === true);
  }
}
