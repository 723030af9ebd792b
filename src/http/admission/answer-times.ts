import { UsualTime } from './gradient2.ts';

/** How many answers make one sample: one alone may have waited for something that the others did not. */
const together = 10;
/** As the limit tolerates it. */
const tolerance = 1.5;

/** How long answers of one kind take: lately, and usually. In milliseconds. */
export class AnswerTimes {
  readonly usual = new UsualTime();
  /** Of the last ten; 0 as long as there were not as many. */
  lately = 0;
  /** How many requests were under way with them, on average. */
  inFlight = 0;
  #count = 0;
  #sumMs = 0;
  #sumInFlight = 0;

  /** Answers take longer than they used to. */
  get inflated(): boolean {
    return this.lately > tolerance * this.usual.ms;
  }

  /** True when this one completes a sample. */
  add(ms: number, inFlight: number): boolean {
    this.#sumMs += ms;
    this.#sumInFlight += inFlight;
    if (++this.#count < together) return false;
    this.lately = this.#sumMs / together;
    this.inFlight = this.#sumInFlight / together;
    this.#count = this.#sumMs = this.#sumInFlight = 0;
    return true;
  }
}
