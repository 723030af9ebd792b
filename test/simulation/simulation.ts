import { vi } from 'vitest';
import { type Random, randomFrom } from '../../demo/seed/random.ts';
import { settled } from '../core/fake-time.ts';
import { Clock } from './clock.ts';
import { Journal } from './journal.ts';
import { Listening } from './listening.ts';
import { type PartPlan, planWorld } from './plan.ts';
import { Story } from './story.ts';
import { World } from './world.ts';

/** Longer than anything that goes on behind everybody's back: a refresh has 5 s, a system that is slow to stop 8. */
const quietMs = 10_000;

/** One seed, from its world to its end: the same journal each time. */
export async function simulate(seed: number): Promise<Journal> {
  const journal = new Journal();
  const stray = (reason: unknown): void => { journal.fault(`nobody has handled a rejection: ${String(reason)}`); };
  process.on('unhandledRejection', stray);
  try {
    using clock = new Clock(seed);
    using listening = new Listening();
    const random = randomFrom(seed ^ 0x5eed);
    const world = new World(planWorld(random), journal, listening, random);
    journal.note(`seed ${seed}: ${JSON.stringify(world.plan, shortly)}`);
    await play(world, clock, random);
    ended(world, listening);
    if (journal.faults.length > 0) return journal;
    await recovered(world, clock);
    ended(world, listening);
  } catch (error) {
    journal.fault(`the simulation itself failed: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await settled();
    process.off('unhandledRejection', stray);
  }
  return journal;
}

/** A part tells the name of its source alone. */
function shortly(field: string, value: unknown): unknown {
  if (field !== 'asks') return value;
  const asks = value as PartPlan['asks'];
  return 'parts' in asks ? asks : asks.name;
}

async function play(world: World, clock: Clock, random: Random): Promise<void> {
  const story = new Story(world, clock, random);
  const endsAt = random.between(5_000, 90_000);
  while (performance.now() < endsAt && world.journal.faults.length === 0) {
    story.next();
    await settled();
    world.rooms.look();
    await clock.until(performance.now() + story.gap());
  }
  await clock.until(performance.now() + quietMs);
  for (const visit of story.visits) if (visit.pending) world.journal.fault(`${visit.name} waits for ever`);
}

/** Everybody has gone: nothing of them is left. */
function ended({ journal, loads }: World, listening: Listening): void {
  if (vi.getTimerCount() > 0) journal.fault(`${vi.getTimerCount()} timers are left`);
  if (listening.size > 0) journal.fault(`${listening.size} listeners are left`);
  for (const load of loads.unended) journal.fault(`the call of a load never ended: ${load}`);
}

/** The systems are well again, and so is every answer: no place is still taken, no queue stands still. */
async function recovered(world: World, clock: Clock): Promise<void> {
  world.systems.healed = true;
  world.journal.note('all is well');
  for (const process of world.processes) {
    world.data.open(process);
    if (process.door) Object.assign(process.door, { delayMs: 0, grantsNone: false });
    process.cache.flush();
  }
  world.tier.entries.clear();
  // What begins in the moment of a flush counts as begun before it, and is not joined.
  await clock.until(performance.now() + 1);
  const story = new Story(world, clock, randomFrom(0));
  for (const wish of story.everything()) {
    const visit = story.visit(...wish);
    await clock.until(visit.deadlineAt + 1);
    if (!visit.complete && !story.crowds(visit.screen)) world.journal.fault(`${visit.name} has no whole answer, though all is well`);
  }
  await clock.until(performance.now() + quietMs);
}
