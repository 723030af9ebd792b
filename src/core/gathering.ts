import { Answer, type PartReport } from './answer.ts';
import { type Call, Listener } from './call.ts';
import { type Failure, failureOf, PartFailure } from './failure.ts';
import type { Flight } from './flight.ts';
import type { PlannedPart } from './part.ts';
import { settling } from './source.ts';

/** One part as it lands: its value, and its report followed by those of the aggregate nested in it, if it is one. */
export interface Landed {
  readonly name: string;
  readonly value: unknown;
  readonly reports: readonly PartReport[];
}

/** Who waits for the parts. `done` or `failed` comes once, and nothing after it. */
export interface Reader {
  /** Told of each part in the order in which they land; leave it out to hear of the end only. */
  landed?(part: Landed): void;
  done(landed: readonly Landed[]): void;
  failed(reason: Failure): void;
}

/**
 * Asks all parts at the same time and tells the reader what lands. A required part that fails ends the gathering at
 * once. When the call is stopped, what has not landed is given up, whether or not its source listens to its end: so no
 * source can hold an answer beyond its deadline. Callbacks and no `Promise.all`: this runs for every request.
 */
export class Gathering extends Listener {
  readonly #parts: readonly PlannedPart[];
  readonly #call: Call;
  readonly #reader: Reader;
  readonly #calls: Call[] = [];
  readonly #landed: (Landed | undefined)[];
  readonly #startedAt = performance.now();
  #left: number;
  #ended = false;

  constructor(parts: readonly PlannedPart[], call: Call, reader: Reader) {
    super();
    this.#parts = parts;
    this.#call = call;
    this.#reader = reader;
    this.#left = parts.length;
    this.#landed = parts.map(() => undefined);
  }

  start(input: unknown): void {
    if (this.#call.reason) return this.#fail(this.#call.reason);
    this.#call.listen(this);
    for (let at = 0; at < this.#parts.length && !this.#ended; at++) this.#ask(at, input);
  }

  override stopped(reason: Failure): void {
    if (reason.code !== 'deadline_exceeded') return this.#fail(reason);
    const inTime = this.#parts.map(({ speaks }, at) => (speaks && !this.#landed[at] ? this.#calls[at]?.flight.inTime() : undefined));
    // First, because without it there is no answer for the others to be missing from.
    const required = this.#parts.findIndex((part, at) => part.required && !this.#landed[at] && inTime[at] === undefined);
    if (required >= 0) return this.#missing(required, reason);
    for (let at = 0; at < this.#parts.length; at++) {
      if (inTime[at] === undefined) this.#missing(at, reason);
      else this.#land(at, inTime[at], this.#calls[at]!.flight);
    }
  }

  #ask(at: number, input: unknown): void {
    const { name, source, required } = this.#parts[at]!;
    const call = this.#call.fork(name);
    if (!required && call.root.brownout) call.spare = true;
    this.#calls.push(call);
    settling(source, input, call).then(
      (value) => {
        this.#land(at, value, call.flight);
        call.end();
      },
      (error: unknown) => {
        this.#missing(at, failureOf(error));
        call.end();
      },
    );
  }

  #land(at: number, value: unknown, { served, kept, collapsed }: Flight): void {
    if (this.#ended || this.#landed[at]) return;
    const { name, speaks, sourceName } = this.#parts[at]!;
    const nested = value instanceof Answer ? value : undefined;
    const own: PartReport = {
      part: name, state: speaks || served === 'stale' ? served : 'live', source: sourceName, tookMs: performance.now() - this.#startedAt,
      kept: nested ? nested.kept : speaks ? kept : undefined, collapsed: collapsed || undefined,
    };
    const reports = nested ? [own, ...nested.parts.map((report) => ({ ...report, part: `${name}.${report.part}` }))] : [own];
    this.#settle(at, { name, value, reports });
  }

  #missing(at: number, failure: Failure): void {
    if (this.#ended || this.#landed[at]) return;
    const { name, required, otherwise } = this.#parts[at]!;
    if (required) {
      const path = failure instanceof PartFailure ? `${name}.${failure.part}` : name;
      return this.#fail(new PartFailure(path, failure));
    }
    const report: PartReport = { part: name, state: 'missing', tookMs: performance.now() - this.#startedAt, failure };
    this.#settle(at, { name, value: otherwise, reports: [report] });
  }

  #settle(at: number, part: Landed): void {
    this.#landed[at] = part;
    this.#reader.landed?.(part);
    if (--this.#left > 0) return;
    this.#end();
    this.#reader.done(this.#landed as Landed[]);
  }

  #fail(reason: Failure): void {
    this.#end();
    this.#reader.failed(reason);
  }

  /** Stops whatever is still running. */
  #end(): void {
    this.#ended = true;
    this.#call.unlisten(this);
    this.#call.end();
  }
}
