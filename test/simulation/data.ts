import { type User, users } from './plan.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

type Versions = Record<User, number>;
const none = (): Versions => Object.fromEntries(users.map((user) => [user, 0])) as Versions;

/** What the sources would answer with now, and what each process has heard of its changes. */
export class Data {
  readonly versions = none();
  readonly #world: World;
  readonly #heard: Versions[] = [];
  /** When what was under way for a user could last not be joined any more: an invalidation, an outage, a reload. */
  readonly #disturbedAt: Versions[] = [];
  /** What the shared tier has heard of, and what it will hear of when the process gets through to it. */
  readonly #tierHeard = none();
  #owed: (readonly [process: number, user: User, version: number])[] = [];

  constructor(world: World, processes: number) {
    this.#world = world;
    for (let at = 0; at < processes; at++) {
      this.#heard.push(none());
      this.#disturbedAt.push(Object.fromEntries(users.map((user) => [user, -Infinity])) as Versions);
    }
  }

  /** No cache of this process may answer with an older version. */
  floor(process: number, user: User): number {
    return this.#heard[process]![user];
  }

  disturbedAt(process: number, user: User): number {
    return this.#disturbedAt[process]![user];
  }

  disturb(process: number, disturbed: readonly User[] = users): void {
    for (const user of disturbed) this.#disturbedAt[process]![user] = performance.now();
  }

  /** The data changes, and this process is told by whoever changed it. */
  change({ at, cache, door }: Process, changed: readonly User[]): void {
    for (const user of changed) this.versions[user]++;
    void cache.invalidate(changed.length === 1 ? [`users:${changed[0]}`] : ['users:*']);
    for (const user of changed) {
      const version = this.versions[user];
      this.#hears(at, user, version);
      if (!door) for (const other of this.#world.processes) this.#hears(other.at, user, version);
      else if (door.shut) this.#owed.push([at, user, version]);
      else this.#tierHears(user, version);
    }
  }

  close({ at, door }: Process): void {
    door?.close();
    this.disturb(at);
  }

  open({ at, door }: Process): void {
    door?.open();
    for (const [process, user, version] of this.#owed) if (process === at) this.#tierHears(user, version);
    this.#owed = this.#owed.filter(([process]) => process !== at);
    for (const user of users) this.#hears(at, user, this.#tierHeard[user]);
  }

  #hears(process: number, user: User, version: number): void {
    this.#heard[process]![user] = Math.max(this.#heard[process]![user], version);
    this.disturb(process, [user]);
  }

  #tierHears(user: User, version: number): void {
    this.#tierHeard[user] = Math.max(this.#tierHeard[user], version);
    for (const { at, door } of this.#world.processes) if (!door?.shut) this.#hears(at, user, version);
  }
}
