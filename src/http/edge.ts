import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Access, Caller, Readers } from '../core/access.ts';
import type { Answer } from '../core/answer.ts';
import type { Call } from '../core/call.ts';
import type { Failure } from '../core/failure.ts';
import { isRecording } from '../core/trace.ts';
import { Complaints } from './complaints.ts';
import type { Limits } from './limits.ts';
import type { Sampling } from './trace-context.ts';
import { type Trusts, trusting } from './trusted.ts';

/** Tells who asks, by the header `Authorization`. */
export interface Authentication {
  /** Whose credentials these are if they were verified before and still hold; undefined for all that has to be looked at. `now` is `performance.now()`. */
  known(authorization: string, now: number): Caller | undefined;
  /** Verifies them, which may take a second. Rejects with a Failure `unauthenticated`, `invalid_input` or `keys_unavailable`. */
  verified(authorization: string): Promise<Caller>;
  /** Whether what was verified of a caller still holds: their token has not expired, nor was a key withdrawn since. */
  holds(caller: Caller): boolean;
}

/** Who is told how long each part took. Operators are callers that read any. */
export type Audience = 'everybody' | 'operators' | 'nobody';

export interface EdgeOptions {
  readonly log: Logger;
  readonly sampling: Sampling;
  /** What a missed deadline is answered with: 504, or 408 for clients of the service that this one replaces. */
  readonly timeoutStatus: 504 | 408;
  /** Left out, nobody is asked who they are, and everybody may ask everything. */
  readonly authentication?: Authentication | undefined;
  /** Aggregates may be asked without saying who asks; whoever says so is verified all the same. */
  readonly open?: boolean;
  readonly serverTiming?: Audience;
  /** Whether any client may have what it asks for loaded anew (`Cache-Control: no-cache`). Not at a public edge: it would be a way around the cache. */
  readonly mayReload?: boolean;
  /** How often each caller may ask; left out, as often as they like. */
  readonly limits?: Limits | undefined;
  /** Networks whose callers may state a deadline and a priority. */
  readonly trustedCallers?: readonly string[];
}

/** A complete answer as it was sent. */
export interface SentAnswer {
  readonly target: string;
  readonly route: string;
  readonly answer: Answer<unknown>;
  readonly body: string;
  readonly etag: string;
  readonly readers: Readers;
  /** How long its parts have at most. */
  readonly partsMs: number;
}

/** Keeps answers that can be sent again as they are. */
export interface Keeper {
  keep(sent: SentAnswer): void;
}

/** Knows how much is under way, and learns how long answers take. */
export interface Load {
  readonly inFlight: number;
  /** Optional parts are to be left out. */
  readonly brownout: boolean;
  /** An answer is complete, or left out nothing but what a brownout does (`spared`); with how many under way it began. */
  landed(ms: number, inFlight: number, spared: boolean): void;
  /** This request is work no more, though its reply goes on: a stream that stays open. */
  released(reply: ServerResponse): void;
}

/** Knows the streams that stay open. */
export interface OpenStreams {
  /** How many are open. */
  readonly size: number;
  /** Ends them all, each with a hint when to come back; what is opened from now on is refused. */
  end(): void;
}

/** A request whose reply is not complete, and its place among the others. */
export interface UnderWay {
  readonly reply: ServerResponse;
  /** Whose work it is, once it has begun. */
  readonly visit?: { readonly call: Call | undefined };
  place: number;
}

/** What all routes share: how requests are logged and sampled, who asks them, and which are under way. */
export class Edge {
  readonly log: Logger;
  readonly complaints: Complaints;
  readonly sampling: Sampling;
  readonly timeoutStatus: 504 | 408;
  readonly authentication: Authentication | undefined;
  /** Everybody may read whatever is not for a role. */
  readonly #open: boolean;
  /** What replies depend on besides their target. */
  readonly vary: string;
  readonly #serverTiming: Audience;
  readonly #mayReload: boolean;
  readonly limits: Limits | undefined;
  readonly trusts: Trusts;
  /** Where answers are kept to be sent again, if they are. */
  keeper: Keeper | undefined;
  /** Who admits requests, if anybody does. */
  load: Load | undefined;
  /** The streams that stay open, if there can be any. */
  streams: OpenStreams | undefined;
  /**
   * An array and no Set: when a Set outgrows its table, V8 links the old table to the new one, so that under constant
   * churn a table that was promoted keeps alive all that came after it. That made a tenth of all CPU garbage collection.
   */
  readonly #underWay: UnderWay[] = [];
  #draining = false;

  constructor({ log, sampling, timeoutStatus, authentication, open = false, serverTiming = 'everybody', mayReload = false, limits, trustedCallers = [] }: EdgeOptions) {
    this.log = log;
    this.complaints = new Complaints(log);
    // Without an SDK a sampled request would make spans that record nothing.
    this.sampling = isRecording() ? sampling : { ratio: 0, trustParent: false };
    this.timeoutStatus = timeoutStatus;
    this.authentication = authentication;
    this.#open = open || !authentication;
    this.vary = authentication ? 'authorization, accept' : 'accept';
    this.#serverTiming = serverTiming;
    this.#mayReload = mayReload;
    this.limits = limits;
    this.trusts = trusting(trustedCallers);
  }

  /**
   * Who asks: at once where their token is known, else once it is verified. Undefined for those who do not say, and where
   * nobody has to. Rejects as `Authentication.verified` does.
   */
  callerOf(authorization: string | undefined): Caller | undefined | Promise<Caller> {
    if (!this.authentication || authorization === undefined) return undefined;
    return this.authentication.known(authorization, performance.now()) ?? this.authentication.verified(authorization);
  }

  /** Whether an endpoint is only for callers that say who they are. One for a role is, even where nobody could be believed. */
  wantsCaller(access: Access): boolean {
    return access !== 'public' && (!this.#open || (typeof access === 'object' && 'role' in access));
  }

  /** Whether the caller's `Cache-Control: no-cache` is obeyed. */
  mayReload(caller: Caller | undefined): boolean {
    return this.#mayReload || caller?.readsAny === true;
  }

  /** Whether the caller is told how long each part took. */
  tellsTimes(caller: Caller | undefined): boolean {
    return this.#serverTiming === 'everybody' || (this.#serverTiming === 'operators' && caller?.readsAny === true);
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
