import type { ServerResponse } from 'node:http';
import type { Caller } from '../../core/access.ts';
import { Failure } from '../../core/failure.ts';
import type { View, Watcher } from '../../core/live/view.ts';
import { answers, liveEnds } from '../../core/metrics.ts';
import type { Edge } from '../edge.ts';
import { badTokens } from '../auth/refused.ts';
import { complain, problemBody } from '../problem.ts';
import type { Visit } from '../visit.ts';
import { currentFrame, endFrame, heartbeat, partFrame, problemFrame, retryFrame } from './frames.ts';

/** Why a stream has ended. */
type Because = 'left' | 'slow' | 'expired' | 'drained' | 'problem';

/** Below the server's silence limit and what proxies allow (nginx 60 s, balancers 60 s): each stream has a figure between, so that not all are due at once. */
const beatMs = [10_000, 15_000] as const;

/** Who takes nothing for so long is not there any more. Below the server's silence limit, which would end it without a reason. */
const slowMs = 20_000;

/** What is written at once, in characters: what the socket takes without a copy of its own being full. */
const chunkChars = 16 * 1024;

/** For those to whom nothing has been sent yet. */
export const endingFailure = (retryAfterMs: number): Failure => new Failure('overloaded', 'this process ends: open the stream again', { retryAfterMs });

/** What a stream needs of whoever keeps them all. */
export interface Keeping {
  readonly edge: Edge;
  /** Has `flush` called, in some later turn. */
  flushSoon(stream: LiveStream): void;
  closed(stream: LiveStream): void;
}

/** One client that watches: from its request until its connection closes. */
export class LiveStream implements Watcher {
  /** Resolves when the reply may begin; rejects with why there will be none. */
  readonly begun: Promise<void>;
  /** It waits for its turn to be flushed. */
  queued = false;
  readonly #keeping: Keeping;
  readonly #visit: Visit;
  readonly #beginning = Promise.withResolvers<void>();
  readonly #beatMs = beatMs[0] + Math.random() * (beatMs[1] - beatMs[0]);
  #view: View | undefined;
  #reply: ServerResponse | undefined;
  #caller: Caller | undefined;
  #over = false;
  #endedBy: Failure | undefined;
  #wroteMs = 0;
  #stalledMs: number | undefined;

  constructor(keeping: Keeping, visit: Visit) {
    this.#keeping = keeping;
    this.#visit = visit;
    this.begun = this.#beginning.promise;
    // Whoever leaves before does not look at it.
    this.begun.catch(() => undefined);
  }

  watch(view: View): void {
    this.#view = view;
    this.changed();
  }

  changed(): void {
    if (this.#reply) return this.#keeping.flushSoon(this);
    const beginning = this.#view?.beginning ?? 'later';
    if (beginning === 'now') this.#beginning.resolve();
    else if (beginning !== 'later') this.#beginning.reject(beginning);
  }

  ended(reason: Failure): void {
    this.#endedBy = reason;
    if (this.#reply) this.#fail(reason, 'problem');
    else this.#beginning.reject(reason);
  }

  /** Gives up what it has, before or after it has begun. */
  leave(): void {
    this.#over = true;
    this.#view?.leave();
    this.#keeping.closed(this);
  }

  /** The reply begins, and goes on until somebody ends it. */
  begin(reply: ServerResponse, headers: Readonly<Record<string, string>>, retryMs: number): void {
    this.#reply = reply;
    this.#caller = this.#visit.caller;
    // Its connection closed in this very turn: nobody would say so again.
    if (reply.destroyed) return this.leave();
    this.#visit.staysOpen();
    reply.writeHead(200, { ...headers });
    reply.on('drain', () => {
      this.#stalledMs = undefined;
      this.flush();
    });
    reply.once('close', () => {
      if (!this.#over) liveEnds.of('left' satisfies Because).add();
      this.leave();
    });
    this.#write(retryFrame(retryMs));
    if (this.#endedBy) this.#fail(this.#endedBy, 'problem');
    else this.flush();
  }

  /** Writes what there is to tell, as long as the client takes it: what changes meanwhile, the view will say by then. */
  flush(): void {
    const view = this.#view;
    if (!view) return;
    while (!this.#over && !this.#reply?.writableNeedDrain) {
      const text = this.#nextChunk(view);
      if (text === '') return;
      this.#write(text);
    }
  }

  /** Once a second: whether it may go on, and whether there is something to say. */
  look(now: number): void {
    const { authentication } = this.#keeping.edge;
    if (this.#over || !this.#reply) return;
    if (this.#caller && authentication && !authentication.holds(this.#caller)) return this.#fail(badTokens.expired, 'expired');
    if (this.#stalledMs !== undefined) {
      if (now - this.#stalledMs > slowMs) this.#end('slow');
    } else if (now - this.#wroteMs > this.#beatMs) {
      this.#write(heartbeat);
    }
  }

  /** The process ends. */
  drain(retryMs: number): void {
    if (this.#reply) this.#end('drained', endFrame(retryMs));
    else this.#beginning.reject(endingFailure(retryMs));
  }

  #nextChunk(view: View): string {
    let text = '';
    for (let next = view.next(); next; next = text.length < chunkChars ? view.next() : undefined) {
      text += next === 'current' ? this.#current(view) : partFrame(next, view);
    }
    return text;
  }

  #current(view: View): string {
    const { outcomes } = view;
    const complete = outcomes.every(({ reports }) => reports.every(({ state }) => state !== 'missing'));
    answers.of(this.#visit.aggregate, String(complete)).add();
    return currentFrame(outcomes, view);
  }

  #fail(failure: Failure, because: Because): void {
    const { edge } = this.#keeping;
    this.#visit.failure = failure;
    complain(failure, this.#visit, edge);
    this.#end(because, problemFrame(problemBody(failure, this.#visit, edge)));
  }

  #end(because: Because, last?: string): void {
    if (this.#over) return;
    this.#over = true;
    liveEnds.of(because).add();
    this.#view?.leave();
    if (last === undefined) this.#reply?.destroy();
    else this.#reply?.end(last);
  }

  #write(text: string): void {
    this.#wroteMs = performance.now();
    if (!this.#reply?.write(text)) this.#stalledMs ??= this.#wroteMs;
  }
}
