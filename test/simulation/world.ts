import type { Random } from '../../demo/seed/random.ts';
import type { Relay } from '../../src/cache/cache.ts';
import type { Call } from '../../src/core/call.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { type Door, ScriptedTier } from '../policies/shared-tier.ts';
import { Attempts } from './attempts.ts';
import { Data } from './data.ts';
import type { Journal } from './journal.ts';
import type { Listening } from './listening.ts';
import { type Key, Loads, type Site } from './loads.ts';
import type { WorldPlan } from './plan.ts';
import { Process, type Text, type Value } from './process.ts';
import { Rooms } from './rooms.ts';
import { Systems } from './systems.ts';

/** A service of one or two processes on scripted systems. */
export class World {
  readonly plan: WorldPlan;
  readonly journal: Journal;
  readonly data: Data;
  readonly loads: Loads;
  readonly attempts: Attempts;
  readonly rooms: Rooms;
  readonly systems: Systems;
  readonly tier = new ScriptedTier();
  readonly processes: Process[] = [];
  /** Questions handed to batches. */
  asked = 0;
  visits = 0;
  readonly #listening: Listening;

  constructor(plan: WorldPlan, journal: Journal, listening: Listening, random: Random) {
    this.#listening = listening;
    this.plan = plan;
    this.journal = journal;
    this.data = new Data(this, plan.processes);
    this.loads = new Loads(this);
    this.attempts = new Attempts(this);
    this.rooms = new Rooms(this);
    this.systems = new Systems(this, random);
    const heard: ((tags: readonly string[]) => void)[] = [];
    for (let at = 0; at < plan.processes; at++) {
      const door = plan.between === 'tier' ? this.#door() : undefined;
      const relay: Relay = {
        tell: (tags) => { heard.forEach((hear, other) => { if (other !== at) hear(tags); }); },
        listen: (hear) => { heard[at] = hear; },
      };
      this.processes.push(new Process(this, at, plan, door, door ? undefined : relay));
    }
  }

  /** How much has begun anywhere. */
  get begun(): number {
    return this.loads.begun + this.asked + this.tier.deeds.length;
  }

  /** How many listen to this call itself. */
  listening(call: Call): number {
    return this.#listening.to(call);
  }

  /** What the system reads now, to be answered later. */
  valueOf({ process, plan }: Site, { user, page }: Key, asker: number | undefined): (needed?: Value) => Text {
    const version = this.data.versions[user];
    const at = performance.now();
    return (needed) => new JsonText(JSON.stringify({ source: plan.name, user, page, asker, process, version, at, needed }));
  }

  #door(): Door {
    const door = this.tier.door();
    const read = door.read.bind(door);
    door.read = async (key, tags, lease) => {
      const found = await read(key, tags, lease);
      this.journal.saw('a lease was lost', found?.lease === 'lost');
      return found;
    };
    return door;
  }
}
