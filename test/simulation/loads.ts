import { type Call, Listener } from '../../src/core/call.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { SourcePlan, User } from './plan.ts';
import type { Value } from './process.ts';
import type { World } from './world.ts';

/** A source in one process. */
export interface Site {
  readonly process: number;
  readonly plan: SourcePlan;
}

export interface Key {
  readonly user: User;
  readonly page: number;
}

export const textOf = ({ byPage }: SourcePlan, { user, page }: Key): string => (byPage ? `${user}/${page}` : user);

/** A query that was stopped keeps its place for a second, to end by itself; then it is not counted any more. */
const endingMs = 1_000;

/** Longer than a load in the tier's name may begin after the process decided to: three looks with 60 ms each, and two pauses. */
const slackMs = 300;

/** The longest deadline of a visit, and the longest stall. */
const overdueMs = 5_000;

/** One load, as the system sees that is asked. */
export class Load extends Listener {
  readonly site: Site;
  readonly keys: readonly string[];
  readonly call: Call;
  readonly startedAt = performance.now();
  /** The earliest deadline of the calls that this one lies in: then nobody may join any more. */
  readonly joinableUntil: number;
  landedAt = Infinity;
  /** Made in addition: a retry, or a hedge. */
  extra = false;
  stoppedAt = Infinity;
  /** Told when the call is stopped, unless the source is deaf. */
  onStop: ((reason: Failure) => void) | undefined;

  constructor(site: Site, keys: readonly string[], call: Call) {
    super();
    this.site = site;
    this.keys = keys;
    this.call = call;
    let until = call.deadlineAt;
    for (let outer = call.heardOf; outer; outer = outer.heardOf) until = Math.min(until, outer.deadlineAt);
    this.joinableUntil = until;
    if (!call.over) call.listen(this);
  }

  /** It goes on though nobody who may have joined it in time can wait any more. */
  get overdue(): boolean {
    return !this.landed && !this.call.over && performance.now() > this.joinableUntil + overdueMs;
  }

  get landed(): boolean {
    return this.landedAt < Infinity;
  }

  override stopped(reason: Failure): void {
    this.stoppedAt = performance.now();
    this.onStop?.(reason);
  }

  land(): void {
    this.landedAt = performance.now();
    this.call.unlisten(this);
  }
}

/** Every load of a world, and the laws that each has to keep when it begins. */
export class Loads {
  begun = 0;
  #open: Load[] = [];
  readonly #world: World;
  readonly #all: Load[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Loads whose call goes on though it should not. */
  get unended(): readonly string[] {
    return this.#all.filter(({ call }) => !call.over).map(({ site, keys, startedAt }) => `${name(site)} of ${keys.join(' ')} at ${startedAt} ms`);
  }

  underWay(process: number, user: User): boolean {
    return this.#open.some((load) => load.site.process === process && !load.landed && !load.call.over && load.keys.some((key) => key.startsWith(user)));
  }

  /** Whether anything of this source is loaded for this user, or was until this moment or later. */
  lately(process: number, source: string, user: User, since: number): boolean {
    return this.#all.some(({ site, keys, landedAt, stoppedAt }) =>
      site.process === process && site.plan.name === source && keys[0]!.startsWith(user) && Math.min(landedAt, stoppedAt) >= since);
  }

  /** Until when others might join the load that brought this; of several that began in its moment, the longest. */
  joinableUntil({ process, source, user, page, at }: Value): number {
    const loads = this.#all.filter(({ site, keys, startedAt }) =>
      startedAt === at && site.process === process && site.plan.name === source && keys[0] === textOf(site.plan, { user, page }));
    return Math.max(...loads.map(({ joinableUntil }) => joinableUntil));
  }

  begin(site: Site, keys: readonly string[], call: Call): Load {
    const { attempts, journal, rooms } = this.#world;
    this.begun++;
    const load = new Load(site, keys, call);
    journal.note(`${name(site)} loads ${keys.join(' ')}`);
    if (call.over) journal.fault(`${name(site)} was asked in a call that was over`);
    this.#all.push(load);
    this.#open = this.#open.filter(({ landed, stoppedAt }) => !landed && performance.now() - stoppedAt < endingMs);
    for (const other of this.#open) if (other.overdue) journal.fault(`${name(other.site)} still loads ${other.keys.join(' ')}, begun at ${other.startedAt} ms`);
    rooms.begins(site, call);
    load.extra = attempts.begins(load);
    if (site.plan.limit) this.#inPlaces(load, site.plan.limit);
    if (site.plan.batch) this.#inBounds(load, site.plan.batch);
    else if (!load.extra && (site.plan.cache ?? site.plan.keyed)) this.#once(load);
    this.#open.push(load);
    return load;
  }

  #inBounds(load: Load, { sizeMax, inFlightMax }: NonNullable<SourcePlan['batch']>): void {
    const { journal } = this.#world;
    const { site, keys } = load;
    if (keys.length > sizeMax) journal.fault(`${name(site)} was asked for ${keys.length} keys, and ${sizeMax} is its most`);
    if (new Set(keys).size < keys.length) journal.fault(`${name(site)} was asked twice for a key: ${keys.join(' ')}`);
    const others = this.#open.filter((other) => other.site === site);
    if (others.length >= inFlightMax) journal.fault(`${name(site)} was asked ${others.length + 1} queries at a time, and ${inFlightMax} is its most`);
    journal.saw('a batch had several keys', keys.length > 1);
  }

  /** A place is given back a second after its attempt should have ended, and not before it has. */
  #inPlaces({ site }: Load, { underWay }: NonNullable<SourcePlan['limit']>): void {
    const others = this.#open.filter((other) => other.site === site);
    if (others.length >= underWay) this.#world.journal.fault(`${name(site)} was asked ${others.length + 1} times at a time, and ${underWay} is its most`);
  }

  /** Not of a cached source with places: what began before an invalidation may get to its load long after it. */
  #once(load: Load): void {
    const { data, journal } = this.#world;
    const { site, keys } = load;
    const now = performance.now();
    if (now >= load.joinableUntil || (site.plan.cache && site.plan.limit)) return;
    const disturbedAt = site.plan.cache ? data.disturbedAt(site.process, keys[0]!.split('/')[0] as User) : -Infinity;
    const joinable = this.#open.filter((other) =>
      other.site === site && other.keys[0] === keys[0] && !other.call.over && now < other.joinableUntil && other.startedAt > disturbedAt + slackMs);
    if (joinable.length > 0) journal.fault(`${name(site)} loads ${keys[0]} twice at a time`);
  }
}

export const name = ({ process, plan }: Site): string => `${plan.name}@${process}`;
