import type { Call } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Source } from '../../src/core/source.ts';
import { name, type Site } from './loads.ts';
import type { Question } from './plan.ts';
import type { Text } from './process.ts';
import type { World } from './world.ts';

interface Waiter {
  readonly site: Site;
  readonly call: Call;
}

/** Who waits for a place at a source whose every question has a load of its own: asked, and neither begun nor answered. */
export class Rooms {
  readonly #world: World;
  readonly #waiting = new Map<Call, Waiter>();
  /** Those that were seen to wait. */
  readonly #seated = new WeakSet<Waiter>();

  constructor(world: World) {
    this.#world = world;
  }

  watched(site: Site, ask: Source<Question, Text>): Source<Question, Text> {
    return (question, call) => {
      const waiter: Waiter = { site, call };
      this.#waiting.set(call, waiter);
      const answer = ask(question, call);
      answer.then(() => { this.#leaves(waiter); }, (error: unknown) => { this.#leaves(waiter, error); });
      return answer;
    };
  }

  /** A load begins in this call: whoever asked for it has a place. */
  begins(site: Site, call: Call): void {
    for (let outer: Call | undefined = call; outer; outer = outer.heardOf) {
      const waiter = this.#waiting.get(outer);
      if (waiter?.site !== site) continue;
      this.#waiting.delete(outer);
      this.#world.journal.saw('a waiter got its place', this.#seated.has(waiter));
      return;
    }
  }

  /** When promises have nothing left to do: who has not begun by then waits. */
  look(): void {
    const counts = new Map<Site, number>();
    for (const waiter of this.#waiting.values()) {
      this.#seated.add(waiter);
      counts.set(waiter.site, (counts.get(waiter.site) ?? 0) + 1);
    }
    for (const [site, count] of counts) {
      const { waiting } = site.plan.limit!;
      if (count > waiting) this.#world.journal.fault(`${count} wait for ${name(site)}, and ${waiting} is its most`);
    }
  }

  #leaves(waiter: Waiter, error?: unknown): void {
    const { journal } = this.#world;
    if (this.#waiting.get(waiter.call) !== waiter) return;
    this.#waiting.delete(waiter.call);
    journal.saw('a waiter left', this.#seated.has(waiter));
    journal.saw('the bulkhead refused', error instanceof Failure && error.code === 'overloaded');
  }
}
