import { z } from 'zod';
import { Cache, type Relay } from '../../src/cache/cache.ts';
import { type Aggregate, aggregate } from '../../src/core/aggregate.ts';
import type { Call } from '../../src/core/call.ts';
import type { JsonText } from '../../src/core/json-text.ts';
import { optional } from '../../src/core/part.ts';
import { isSpeaking, type Source, speaks } from '../../src/core/source.ts';
import { source } from '../../src/policies/source.ts';
import type { Door } from '../policies/shared-tier.ts';
import { batchedLoad } from './batches.ts';
import { type Key, type Site, textOf } from './loads.ts';
import { isPlain, type PartPlan, type Question, type ScreenPlan, type SourcePlan, type WorldPlan } from './plan.ts';
import type { World } from './world.ts';

export type Text = JsonText<Value>;
export type Screen = Aggregate<Question, Readonly<Record<string, unknown>>>;

/** What a source answers with: whose it is, as of which change, and who asked. */
export interface Value extends Key {
  readonly source: string;
  readonly asker: number | undefined;
  readonly process: number;
  readonly version: number;
  readonly at: number;
  /** The answer of the source that this one needs. */
  readonly needed: Value | undefined;
}

/** One process of the service: the same sources and screens as the others, and a cache of its own. */
export class Process {
  readonly at: number;
  readonly door: Door | undefined;
  readonly cache: Cache;
  readonly sources: Source<Question, Text>[] = [];
  readonly screens: readonly Screen[];
  readonly #world: World;

  constructor(world: World, at: number, { sources, screens, bytesMax }: WorldPlan, door: Door | undefined, relay: Relay | undefined) {
    this.#world = world;
    this.at = at;
    this.door = door;
    this.cache = new Cache({ bytesMax, shared: door });
    if (relay) this.cache.join(relay);
    for (const plan of sources) this.sources.push(this.#source(plan));
    this.screens = screens.map((plan) => this.#screen(plan, true));
  }

  #source(plan: SourcePlan): Source<Question, Text> {
    const { name, keyed, memoise, timeoutMs, cache: times, byPage, retry, hedge, guardMs, limit } = plan;
    const site: Site = { process: this.at, plan };
    const key = (question: Question): string => textOf(plan, question);
    const made = source<Question, Text>({
      name,
      load: plan.batch ? batchedLoad(this.#world, site) : this.#load(site),
      ...(keyed ? { key } : {}),
      ...(timeoutMs === undefined ? {} : { timeout: `${timeoutMs}ms` }),
      memoise, retry, hedge, limit,
      guard: guardMs === undefined ? undefined : { slow: `${guardMs}ms` },
      ...(times && {
        cache: {
          in: this.cache, subject: 'user', by: byPage ? ['page'] : [], tags: ({ user }) => [`users:${user}`],
          fresh: `${times.freshMs}ms`,
          ...(times.staleMs > 0 ? { stale: `${times.staleMs}ms` } : {}),
          ...(times.errorMs > 0 ? { staleIfError: `${times.errorMs}ms` } : {}),
        },
      }),
    });
    return isPlain(plan) && limit ? this.#world.rooms.watched(site, made) : made;
  }

  /** What somebody wrote by hand: it may ask another source first. */
  #load(site: Site): Source<Question, Text> {
    const { loads, systems } = this.#world;
    return (question, call) => {
      const load = loads.begin(site, [textOf(site.plan, question)], call);
      const answer = this.#world.valueOf(site, question, question.asker);
      if (site.plan.needs === undefined) return systems.meet(load, () => answer());
      return this.sources[site.plan.needs]!(question, call).then(
        (needed) => {
          call.throwIfOver();
          return systems.meet(load, () => answer(needed.parse()));
        },
      ).catch((error: unknown) => {
        load.land();
        throw error;
      });
    };
  }

  #screen({ name, deadlineMs, parts }: ScreenPlan, needed: boolean): Screen {
    const made = parts.map((part) => {
      const asked = this.#part(part, needed && part.required);
      return [part.name, part.required ? asked : optional(asked)] as const;
    });
    const input = z.custom<Question>();
    return aggregate({ name, input, deadline: `${deadlineMs}ms`, parts: Object.fromEntries(made) });
  }

  #part({ name, asks }: PartPlan, needed: boolean): Source<Question, unknown> {
    const asked: Source<Question, unknown> = 'parts' in asks ? this.#screen(asks, needed) : this.sources[this.#world.plan.sources.indexOf(asks)]!;
    const watched: Source<Question, unknown> = (question, call) => this.#leftOut(name, asked, question, call, !needed && call.root.brownout);
    return isSpeaking(asked) ? speaks(watched) : watched;
  }

  /** In a brownout nothing begins for a part that may be left out: no load, no place in a batch, no look at the tier. */
  #leftOut(name: string, asked: Source<Question, unknown>, question: Question, call: Call, left: boolean): Promise<unknown> {
    const before = this.#world.begun;
    const answer = asked(question, call);
    if (left && this.#world.begun > before) this.#world.journal.fault(`in a brownout something began for the optional part ${name}`);
    return answer;
  }
}
