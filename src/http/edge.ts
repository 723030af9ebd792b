import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Answer } from '../core/answer.ts';
import { isRecording } from '../core/trace.ts';
import type { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import { Complaints } from './complaints.ts';
import type { Sampling } from './trace-context.ts';
import { type Trusts, trusting } from './trusted.ts';

/** Who may ask. Resolves for those who may, else rejects with a Failure: `unauthenticated`, `forbidden` or `rate_limited`. */
export type Admit = (header: (name: 'authorization') => string | undefined) => void | Promise<void>;

export interface EdgeOptions {
  readonly log: Logger;
  readonly sampling: Sampling;
  /** What a missed deadline is answered with: 504, or 408 for clients of the service that this one replaces. */
  readonly timeoutStatus: 504 | 408;
  readonly admit?: Admit;
  /** Whether a client may have what it asks for loaded anew (`Cache-Control: no-cache`). Not at a public edge: it would be a way around the cache. */
  readonly mayReload?: boolean;
  /** Networks whose callers may state a deadline and a priority. */
  readonly trustedCallers?: readonly string[];
}

/** Keeps answers that can be sent again as they are. */
export interface Keeper {
  keep(target: string, route: string, answer: Answer<unknown>, body: Buffer, etag: string): void;
}

/** Knows how much is under way, and learns how long answers take. */
export interface Load {
  readonly inFlight: number;
  /** Optional parts are to be left out. */
  readonly brownout: boolean;
  /** An answer is complete, or left out nothing but what a brownout does (`spared`); with how many under way it began. */
  landed(ms: number, inFlight: number, spared: boolean): void;
}

/** A request whose reply is not complete, and its place among the others. */
export interface UnderWay {
  readonly reply: ServerResponse;
  /** Whose work it is, once it has begun. */
  readonly visit?: { readonly call: Call | undefined };
  place: number;
}

/** What all routes share: how requests are logged, sampled and admitted, and which are under way. */
export class Edge {
  readonly log: Logger;
  readonly complaints: Complaints;
  readonly sampling: Sampling;
  readonly timeoutStatus: 504 | 408;
  readonly admit: Admit | undefined;
  readonly mayReload: boolean;
  readonly trusts: Trusts;
  /** Where answers are kept to be sent again, if they are. */
  keeper: Keeper | undefined;
  /** Who admits requests, if anybody does. */
  load: Load | undefined;
  /** Requests that the lane of ready answers has chosen to be recorded, and left to the routes. */
  readonly #chosen = new WeakSet<object>();
  /**
   * An array and no Set: when a Set outgrows its table, V8 links the old table to the new one, so that under constant
   * churn a table that was promoted keeps alive all that came after it. That made a tenth of all CPU garbage collection.
   */
  readonly #underWay: UnderWay[] = [];
  #draining = false;

  constructor({ log, sampling, timeoutStatus, admit, mayReload = false, trustedCallers = [] }: EdgeOptions) {
    this.log = log;
    this.complaints = new Complaints(log);
    // Without an SDK a sampled request would make spans that record nothing.
    this.sampling = isRecording() ? sampling : { ratio: 0, trustParent: false };
    this.timeoutStatus = timeoutStatus;
    this.admit = admit;
    this.mayReload = mayReload;
    this.trusts = trusting(trustedCallers);
  }

  choose(request: object): void {
    this.#chosen.add(request);
  }

  /** The dice are thrown once for each request. */
  samplingOf(request: object | undefined): Sampling {
    return request && this.#chosen.delete(request) ? { ...this.sampling, ratio: 1 } : this.sampling;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Requests whose reply is not complete. */
  get underWay(): number {
    return this.#underWay.length;
  }

  arrived(request: UnderWay): void {
    if (this.#draining) request.reply.shouldKeepAlive = false;
    request.place = this.#underWay.push(request) - 1;
  }

  /** The last one takes the place of the one that leaves. */
  left(request: UnderWay): void {
    const last = this.#underWay.pop();
    if (!last || last === request) return;
    last.place = request.place;
    this.#underWay[request.place] = last;
  }

  /** From now on every reply, those under way included, says `Connection: close`: Node's own server does not. */
  drain(): void {
    this.#draining = true;
    for (const { reply } of this.#underWay) if (!reply.headersSent) reply.shouldKeepAlive = false;
  }

  /** Ends all work, so that every reply can still say why. */
  stop(reason: Failure): void {
    for (const { visit } of this.#underWay) visit?.call?.stop(reason);
  }
}
