import type { Call } from '../../src/core/call.ts';
import { type Load, name, type Site } from './loads.ts';
import type { World } from './world.ts';

/** A retry or a hedge comes after so many first attempts. */
const oneIn = 10;

/** A guard that has seen less refuses nobody. */
const volumeMin = 10;

/** How often a source was asked: at first, and in addition. */
interface Count {
  first: number;
  extra: number;
  /** The guard's refusals were told to somebody. */
  rested: boolean;
}

/** What is asked in addition, and what is refused: of each source no more than its policies allow. */
export class Attempts {
  readonly #world: World;
  readonly #counts = new Map<string, Count>();
  /** By the call in which the work goes on: the last attempt of each question of a source. */
  readonly #last = new WeakMap<Call, Map<string, Load>>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Says whether this load is made in addition to another one. */
  begins(load: Load): boolean {
    const { site, keys, call } = load;
    const { retry, hedge } = site.plan;
    const count = this.#count(site);
    const before = retry || hedge ? this.#before(load, call.root, `${site.plan.name} ${keys.join(' ')}`) : undefined;
    if (!before) {
      count.first++;
      return false;
    }
    const { journal } = this.#world;
    count.extra++;
    if (oneIn * count.extra > count.first) journal.fault(`${name(site)} was asked ${count.extra} times in addition to ${count.first}`);
    if (!retry && before.landed) journal.fault(`${name(site)} was asked again`);
    if (!hedge && !before.landed) journal.fault(`${name(site)} was asked twice at a time`);
    return true;
  }

  answered(load: Load): void {
    const { journal } = this.#world;
    const count = this.#count(load.site);
    journal.saw('a retry was made and won', load.extra && load.site.plan.retry && !load.site.plan.hedge);
    journal.saw('the guard opened again', count.rested);
  }

  failed({ site }: Load): void {
    const { first, extra } = this.#count(site);
    this.#world.journal.saw('a retry was more than the budget had', site.plan.retry && oneIn * (extra + 1) > first);
  }

  /** Somebody was told that this source rests, or one that it needs. */
  rests(process: number, source: string): void {
    const { journal, plan } = this.#world;
    const site: Site = { process, plan: plan.sources.find((one) => one.name === source)! };
    const count = this.#count(site);
    count.rested = true;
    journal.saw('the guard refused');
    if (site.plan.guardMs === undefined) journal.fault(`${name(site)} rests, and has no guard`);
    // Who waits for a place that does not come says of the source that it fails, without a load.
    else if (!site.plan.limit && count.first + count.extra < volumeMin) journal.fault(`${name(site)} rests after ${count.first + count.extra} loads`);
  }

  #count(site: Site): Count {
    let count = this.#counts.get(name(site));
    if (!count) this.#counts.set(name(site), (count = { first: 0, extra: 0, rested: false }));
    return count;
  }

  #before(load: Load, root: Call, what: string): Load | undefined {
    let asked = this.#last.get(root);
    if (!asked) this.#last.set(root, (asked = new Map()));
    const before = asked.get(what);
    asked.set(what, load);
    return before;
  }
}
