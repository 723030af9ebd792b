import type { IncomingMessage, ServerResponse } from 'node:http';
import { observeBrownout, observeInFlight, observeLimit, observeLoopDelay, shedRequests } from '../../core/metrics.ts';
import type { Edge, Load } from '../edge.ts';
import { AnswerTimes } from './answer-times.ts';
import { Gradient2 } from './gradient2.ts';
import { LoopDelay } from './loop-delay.ts';
import { isBackground } from './priority.ts';
import { shed } from './shed.ts';
import { StandingAside } from './standing-aside.ts';

/** The loop is so late: from here on optional parts are left out, and not any more below. */
const brownoutMs = [25, 10] as const;
/** From here on the limit holds, and not any more below. */
const shedMs = [40, 20] as const;
/** Beyond this the limit itself is too high. */
const lowerMs = 80;
/** Of the limit, what requests of users and what background work may have when there is no room for all. */
const userShare = 0.9;
const backgroundShare = 0.1;
/** Of the ceiling, from where on optional parts are left out. */
const nearCeiling = 0.8;

const shedUsers = shedRequests.of('user');
const shedBackground = shedRequests.of('background');

export interface AdmissionOptions {
  /** Whether the limit that is found, and brownouts, hold; else only the ceiling does. */
  readonly adaptive: boolean;
  /** Requests under way, beyond which more are shed whatever the load. */
  readonly inFlightMax: number;
}

/**
 * Lets requests in, or sheds them. The limit that gradient2 finds holds only while the event loop is late: many requests
 * under way mean nothing by themselves, since those who wait for a source that hangs cost nothing here.
 */
export class Admission implements Load {
  readonly #edge: Edge;
  readonly #options: AdmissionOptions;
  readonly #gradient: Gradient2;
  readonly #loop = new LoopDelay((now) => { this.#looked(now); });
  readonly #aside: StandingAside;
  /** Of answers with all their parts, and of those that left some out: the second kind is faster, and has a usual of its own. */
  readonly #whole = new AnswerTimes();
  readonly #spared = new AnswerTimes();
  #kind = this.#whole;
  #inFlight = 0;
  #background = 0;
  /** The most since the last look: whatever was asked in one turn may all have been answered by then. */
  #most = 0;
  #limited = false;
  #brownout = false;
  #second = { at: 0, came: 0, shed: 0, brownout: false };

  constructor(edge: Edge, options: AdmissionOptions, random: () => number = Math.random) {
    this.#edge = edge;
    this.#options = options;
    this.#gradient = new Gradient2(options.inFlightMax);
    this.#aside = new StandingAside(random);
    observeInFlight(() => this.#inFlight);
    observeLimit(() => this.limit);
    observeBrownout(() => Number(this.brownout));
    observeLoopDelay(() => this.#loop.ms / 1_000);
  }

  start(): void {
    this.#second.at = performance.now();
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get limit(): number {
    return this.#gradient.limit;
  }

  get brownout(): boolean {
    return this.#brownout || (this.#options.adaptive && this.#inFlight > this.#options.inFlightMax * nearCeiling);
  }

  /** Shedding goes on and on: let the balancer ask others. */
  get aside(): boolean {
    return this.#aside.aside;
  }

  /** The lane: true if the request was shed, and so has its reply. */
  sheds(request: IncomingMessage, response: ServerResponse): boolean {
    const { priority } = request.headers;
    const background = isBackground(priority) && this.#edge.trusts(request);
    this.#second.came++;
    if (!this.#hasRoom(background)) {
      this.#second.shed++;
      (background ? shedBackground : shedUsers).add();
      shed(request, response, this.#edge);
      return true;
    }
    if (background) this.#background++;
    if (++this.#inFlight > this.#most) this.#most = this.#inFlight;
    // Comes once, whatever happens to the request.
    response.once('close', background ? this.#leftBackground : this.#left);
    return false;
  }

  landed(ms: number, inFlight: number, spared: boolean): void {
    this.#kind = spared ? this.#spared : this.#whole;
    if (this.#kind.add(ms, inFlight)) this.#gradient.sample(this.#kind.lately, this.#kind.inFlight, this.#kind.usual);
  }

  released(reply: ServerResponse): void {
    for (const left of [this.#left, this.#leftBackground]) {
      if (!reply.listeners('close').includes(left)) continue;
      reply.off('close', left);
      left();
    }
  }

  // One of each for all requests.
  readonly #left = (): void => {
    this.#inFlight--;
  };

  readonly #leftBackground = (): void => {
    this.#inFlight--;
    this.#background--;
  };

  #hasRoom(background: boolean): boolean {
    if (this.#inFlight >= this.#options.inFlightMax) return false;
    const { limit } = this.#gradient;
    if (!this.#limited || this.#inFlight < limit) return true;
    return background ? this.#background < limit * backgroundShare : this.#inFlight - this.#background < limit * userShare;
  }

  #looked(now: number): void {
    if (this.#options.adaptive) this.#judge();
    this.#most = this.#inFlight;
    this.#second.brownout ||= this.brownout;
    if (now - this.#second.at >= 1_000) this.#tell(now);
  }

  #judge(): void {
    // Where answers take longer than usual as well, half the delay says as much.
    const lateMs = this.#loop.ms * (this.#kind.inflated ? 2 : 1);
    const { limit } = this.#gradient;
    this.#limited = lateMs > shedMs[this.#limited ? 1 : 0];
    // With few requests it is not they that make the loop late, and to leave something out would not help.
    this.#brownout = lateMs > brownoutMs[this.#brownout ? 1 : 0] && this.#most > limit / (this.#brownout ? 4 : 2);
    if (this.#loop.ms > lowerMs) this.#gradient.lower();
  }

  /** Once a second: whether it persists, and one line for all that was shed. */
  #tell(now: number): void {
    const { came, shed, brownout } = this.#second;
    this.#second = { at: now, came: 0, shed: 0, brownout: false };
    this.#aside.second(shed, came);
    if (shed === 0 && !brownout) return;
    this.#edge.log.warn({
      shed, came, brownout, under_way: this.#inFlight, limit: this.limit, loop_delay_ms: Math.round(this.#loop.ms), ready: !this.aside,
    }, shed > 0 ? 'overloaded: requests were shed' : 'overloaded: optional parts were left out');
  }
}
