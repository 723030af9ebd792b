import type { Random } from '../../demo/seed/random.ts';
import type { Clock } from './clock.ts';
import { isPlain, pages, type Question, type ScreenPlan, type SourcePlan, type User, users } from './plan.ts';
import type { Process } from './process.ts';
import { Visit, type Wish } from './visit.ts';
import type { World } from './world.ts';

const events = ['visit', 'burst', 'rush', 'leave', 'change', 'change all', 'weather', 'brownout', 'stall', 'outage', 'slow tier', 'read-only tier', 'quiet'] as const;
type Event = (typeof events)[number];

/** How likely each is. A seed leaves some of them out: what always happens together hides what one of them does alone. */
const usual: Readonly<Record<Event, number>> = {
  visit: 60, burst: 2, rush: 2, leave: 10, change: 8, 'change all': 1, weather: 6, brownout: 2, stall: 2, outage: 3, 'slow tier': 2, 'read-only tier': 1, quiet: 2,
};

/** What happens to a world: who asks, who leaves, what breaks, what changes. */
export class Story {
  readonly visits: Visit[] = [];
  readonly #world: World;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #weights: readonly number[];
  /** Half of what happens is about one user: what never meets shows nothing. */
  readonly #focus: User;
  #brownout = false;
  /** Bursts that are still to come, one soon after the other: a guard and a hedge need many at a time. One rush a story is costly enough. */
  #rush: number | undefined;
  #pauseMs = 0;

  constructor(world: World, clock: Clock, random: Random) {
    this.#world = world;
    this.#clock = clock;
    this.#random = random;
    this.#focus = random.pick(users);
    this.#weights = events.map((event) => (event === 'visit' || random.chance(75) ? usual[event] : 0));
  }

  next(): void {
    this.#pauseMs = 0;
    if (this.#rush) this.#rush--;
    this.#happens(this.#rush ? 'burst' : events[this.#random.weighted(this.#weights)]!);
    const { journal, processes } = this.#world;
    journal.saw('memory was full', processes.some(({ cache: { memory } }) => memory.bytes > 0.9 * memory.bytesMax));
  }

  /** Mostly many things happen in a short time. */
  gap(): number {
    const random = this.#random;
    if (this.#rush) return random.between(20, 150);
    return this.#pauseMs + [0, random.between(1, 30), random.between(30, 500), random.between(500, 5_000)][random.weighted([3, 8, 6, 3])]!;
  }

  visit(process: Process, wish: Omit<Wish, 'question'>, who: Pick<Question, 'user' | 'page'>): Visit {
    // Whose visit it is stays unique over all stories of a world.
    const visit = new Visit(this.#world, process, { ...wish, question: { ...who, asker: this.#world.visits++ } });
    this.visits.push(visit);
    return visit;
  }

  /** A visit of every user to every screen of every process. */
  *everything(): Generator<Parameters<Story['visit']>> {
    for (const process of this.#world.processes) {
      for (const [screen, { deadlineMs }] of this.#world.plan.screens.entries()) {
        for (const user of users) yield [process, { screen, ms: deadlineMs, brownout: false, reload: false, streams: undefined }, { user, page: 0 }];
      }
    }
  }

  /** Whether one visit to this screen asks some source more often than it may be asked at a time. */
  crowds(screen: ScreenPlan): boolean {
    const { sources } = this.#world.plan;
    const asked = sourcesOf(screen).flatMap((plan) => {
      const chain = [plan];
      for (let { needs } = plan; needs !== undefined; { needs } = sources[needs]!) chain.push(sources[needs]!);
      return chain;
    });
    return sources.some((plan) => plan.limit && isPlain(plan) && asked.filter((one) => one === plan).length > plan.limit.underWay);
  }

  #happens(event: Event): void {
    const { journal } = this.#world;
    const random = this.#random;
    switch (event) {
      case 'visit': return this.#visits();
      case 'burst':
        journal.saw('a burst came');
        for (let left = random.between(10, 40); left > 0; left--) this.#visits();
        return;
      case 'rush':
        this.#rush ??= 10;
        return this.#world.systems.turn(random.pick(this.#world.plan.sources).name, random.pick(['down', 'slow', 'fine']));
      case 'leave': return this.#leaves();
      case 'change': return this.#changes([this.#someone()]);
      case 'change all': return this.#changes(users);
      case 'weather': return this.#world.systems.turn(random.pick(this.#world.plan.sources).name);
      case 'brownout':
        this.#brownout = !this.#brownout;
        return journal.note(`brownout ${this.#brownout ? 'begins' : 'ends'}`);
      case 'stall': return this.#stalls(random.pick([5, 60, 400, 2_500]));
      case 'quiet':
        this.#pauseMs = random.between(5_000, 40_000);
        return journal.note('it is quiet');
      default: return this.#tier(event);
    }
  }

  #visits(): void {
    const random = this.#random;
    const screen = random.below(this.#world.plan.screens.length);
    const { deadlineMs } = this.#world.plan.screens[screen]!;
    const ms = random.chance(80) ? deadlineMs : random.between(1, 2 * deadlineMs);
    const process = random.pick(this.#world.processes);
    const who = { user: this.#someone(), page: random.chance(60) ? 0 : random.pick(pages) };
    const reload = random.chance(4);
    if (reload) this.#world.data.disturb(process.at, [who.user]);
    this.#world.journal.saw('a request asked for new answers', reload);
    this.visit(process, { screen, ms, brownout: this.#brownout, reload, streams: random.chance(15) ? random.between(1, 4) : undefined }, who);
  }

  #someone(): User {
    return this.#random.chance(50) ? this.#focus : this.#random.pick(users);
  }

  #leaves(): void {
    const pending = this.visits.filter((visit) => visit.pending);
    if (pending.length > 0) this.#random.pick(pending).leave();
  }

  #changes(changed: readonly User[]): void {
    const { data, journal, loads, processes } = this.#world;
    const process = this.#random.pick(processes);
    journal.note(`${changed.join(' ')} changed, as ${process.at} hears`);
    journal.saw('a whole group was invalidated', changed.length > 1);
    journal.saw('an invalidation met a load under way', changed.some((user) => loads.underWay(process.at, user)));
    data.change(process, changed);
  }

  #stalls(ms: number): void {
    this.#world.journal.note(`it stalls for ${ms} ms`);
    this.#clock.stall(ms);
    // What began before may get to its load only now.
    for (const { at } of this.#world.processes) this.#world.data.disturb(at);
  }

  #tier(event: 'outage' | 'slow tier' | 'read-only tier'): void {
    const { data, journal } = this.#world;
    const process = this.#random.pick(this.#world.processes);
    const { door } = process;
    if (!door) return;
    if (event === 'slow tier') door.delayMs = this.#random.pick([0, 1, 20, 60]);
    else if (event === 'read-only tier') door.grantsNone = !door.grantsNone;
    else if (door.shut) data.open(process);
    else data.close(process);
    journal.note(`${event} of ${process.at}: ${door.shut ? 'away' : 'there'}, ${door.delayMs} ms, ${door.grantsNone ? 'read only' : 'writable'}`);
    journal.saw('the shared tier was away', door.shut);
    journal.saw('the shared tier could be read only', door.grantsNone);
  }
}

const sourcesOf = ({ parts }: ScreenPlan): readonly SourcePlan[] => parts.flatMap(({ asks }) => ('parts' in asks ? sourcesOf(asks) : [asks]));
