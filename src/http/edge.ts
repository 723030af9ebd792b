import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { isRecording } from '../core/trace.ts';
import { Complaints } from './complaints.ts';
import type { Sampling } from './trace-context.ts';

/** Who may ask. Resolves for those who may, else rejects with a Failure: `unauthenticated`, `forbidden` or `rate_limited`. */
export type Admit = (header: (name: 'authorization') => string | undefined) => void | Promise<void>;

export interface EdgeOptions {
  readonly log: Logger;
  readonly sampling: Sampling;
  /** What a missed deadline is answered with: 504, or 408 for clients of the service that this one replaces. */
  readonly timeoutStatus: 504 | 408;
  readonly admit?: Admit;
}

/** What all routes share: how requests are logged, sampled and admitted, and which are under way. */
export class Edge {
  readonly log: Logger;
  readonly complaints: Complaints;
  readonly sampling: Sampling;
  readonly timeoutStatus: 504 | 408;
  readonly admit: Admit | undefined;
  readonly #underWay = new Set<ServerResponse>();
  #draining = false;

  constructor({ log, sampling, timeoutStatus, admit }: EdgeOptions) {
    this.log = log;
    this.complaints = new Complaints(log);
    // Without an SDK a sampled request would make spans that record nothing.
    this.sampling = isRecording() ? sampling : { ratio: 0, trustParent: false };
    this.timeoutStatus = timeoutStatus;
    this.admit = admit;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Requests whose reply is not complete. */
  get underWay(): number {
    return this.#underWay.size;
  }

  arrived(reply: ServerResponse): void {
    if (this.#draining) reply.shouldKeepAlive = false;
    this.#underWay.add(reply);
  }

  left(reply: ServerResponse): void {
    this.#underWay.delete(reply);
  }

  /** From now on every reply, those under way included, says `Connection: close`: Node's own server does not. */
  drain(): void {
    this.#draining = true;
    for (const reply of this.#underWay) if (!reply.headersSent) reply.shouldKeepAlive = false;
  }
}
