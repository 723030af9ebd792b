import type { Random } from '../../demo/seed/random.ts';
import { Failure } from '../../src/core/failure.ts';
import { type Load, name } from './loads.ts';
import type { World } from './world.ts';

const weathers = ['fine', 'slow', 'down', 'frozen', 'poisonous'] as const;
type Weather = (typeof weathers)[number];

const fates = ['answers', 'finds nothing', 'fails', 'answers nonsense', 'crashes', 'throws', 'hangs', 'is poisoned', 'is lost'] as const;
type Fate = (typeof fates)[number];

/** Of a hundred loads in this weather, how many meet which fate. */
const odds: Readonly<Record<Weather, readonly number[]>> = {
  fine: [76, 4, 2, 2, 1, 1, 3, 7, 4],
  slow: [92, 2, 1, 1, 0, 0, 2, 0, 2],
  down: [4, 1, 30, 5, 10, 10, 5, 5, 30],
  frozen: [8, 0, 0, 0, 0, 0, 92, 0, 0],
  // What a batch in halves has to live through: one half is answered, and the other one hangs.
  poisonous: [35, 2, 0, 0, 0, 0, 23, 40, 0],
};

const failures: Readonly<Record<Exclude<Fate, 'answers' | 'hangs'>, () => Error>> = {
  'finds nothing': () => new Failure('not_found', 'there is nothing'),
  fails: () => new Failure('source_failed', 'the connection was lost'),
  'answers nonsense': () => new Failure('bad_answer', 'that is no answer'),
  crashes: () => new Error('something that nobody foresaw'),
  throws: () => new Error('something that nobody foresaw'),
  'is lost': () => new Failure('source_failed', 'nothing of it came', { retryable: true }),
  'is poisoned': () => new Failure('source_failed', 'one key was too much', { divisible: true }),
};

/** The systems behind the sources: how each load ends, and when; some of them whether or not anybody still listens. */
export class Systems {
  readonly #world: World;
  readonly #random: Random;
  readonly #weather = new Map<string, Weather>();
  /** Everything answers, and soon. */
  healed = false;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  turn(source: string, weather: Weather = this.#random.pick(weathers)): void {
    this.#weather.set(source, weather);
    this.#world.journal.note(`${source} is ${weather}`);
  }

  /** Lands the load with what `answer` makes of it, or with its fate. Throws by itself if that is its fate. */
  meet<Out>(load: Load, answer: () => Out): Promise<Out> {
    const { attempts, journal } = this.#world;
    const weather = (!this.healed && this.#weather.get(load.site.plan.name)) || 'fine';
    const fate = this.healed ? 'answers' : fates[this.#random.weighted(odds[weather])]!;
    const delayMs = this.#delay(weather);
    const deaf = !this.healed && this.#random.chance(load.site.plan.deafPercent);
    journal.note(`${name(load.site)} ${fate}${fate === 'hangs' || fate === 'throws' ? '' : ` in ${delayMs} ms`}${deaf ? ', deaf' : ''}: ${load.keys.join(' ')}`);
    if (fate === 'throws') {
      load.land();
      throw failures[fate]();
    }
    return new Promise((resolve, reject) => {
      const land = (): void => {
        if (load.landed) return;
        const late = load.call.over;
        load.land();
        if (fate === 'answers' && !late) attempts.answered(load);
        if (fate === 'is lost' && !late) attempts.failed(load);
        if (fate === 'answers' || fate === 'hangs') resolve(answer());
        else reject(failures[fate]());
        journal.saw(fate === 'answers' ? 'a source answered after its end' : 'a source rejected after its end', late);
        journal.saw('a source found nothing', fate === 'finds nothing');
      };
      load.onStop = (reason) => {
        journal.saw('a hanging source met the deadline', fate === 'hangs' && reason.code === 'deadline_exceeded');
        if (!deaf) this.#stop(load, reason, reject);
      };
      // Not a timer: some answer in the very turn in which they are asked.
      if (fate !== 'hangs' && delayMs === 0) land();
      else if (fate !== 'hangs') setTimeout(land, delayMs);
    });
  }

  /** Some need a moment to stop. */
  #stop(load: Load, reason: Failure, reject: (reason: Failure) => void): void {
    const ms = this.#random.pick([0, 0, 1, 20, 1_500]);
    const end = (): void => {
      if (load.landed) return;
      load.land();
      reject(reason);
    };
    if (ms === 0) end();
    else setTimeout(end, ms);
  }

  #delay(weather: Weather): number {
    if (this.healed) return this.#random.between(0, 5);
    const quick = weather === 'slow' ? 2 : 10;
    const kind = this.#random.weighted([quick, 3 * quick, 6, weather === 'slow' ? 12 : 1]);
    return [0, this.#random.between(1, 40), this.#random.between(40, 900), this.#random.between(900, 8_000)][kind]!;
  }
}
