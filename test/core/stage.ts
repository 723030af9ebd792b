import { vi } from 'vitest';
import { z } from 'zod';
import { type Aggregate, aggregate } from '../../src/core/aggregate.ts';
import type { Call } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import type { Source } from '../../src/core/source.ts';
import { scripted, type Script } from '../support/scripted.ts';
import { settled } from './fake-time.ts';
import { expected, type LeafPlan, type NestPlan, otherwise, type Outcome, partName, type PartPlan } from './oracle.ts';

type Value = Readonly<Record<string, unknown>>;

/** A source of a plan, and until when it has to be left running: until it lands, or an aggregate around it is over. */
interface Actor {
  readonly plan: LeafPlan;
  readonly overAt: number;
  readonly script: Script<unknown, Value>;
  readonly calls: Call[];
}

const unforeseen = new Error('something that nobody foresaw');

/** A plan made into a real aggregate, whose sources land at their moments, whether or not anybody still listens. */
export class Stage {
  readonly asked: Aggregate<unknown, Value>;
  readonly actors: Actor[] = [];
  readonly #deadlines: number[] = [];
  readonly #unitMs: number;
  now = 0;

  /** `unitMs` is how long a moment lasts; `extraMs` is added to the deadline of the outermost aggregate. */
  constructor(plan: Omit<NestPlan, 'required'>, goneAt: number, { unitMs = 1, extraMs = 0 } = {}) {
    this.#unitMs = unitMs;
    this.asked = this.#aggregate('play', plan, goneAt, extraMs);
  }

  /** All the moments at which something happens. */
  get moments(): readonly number[] {
    const landings = this.actors.map(({ plan }) => plan.landsAt).filter((at) => at > 0 && at < Infinity);
    return [...landings, ...this.#deadlines].toSorted((a, b) => a - b);
  }

  /** Lets time pass until this moment, and lands who lands then. */
  async until(moment: number): Promise<void> {
    vi.advanceTimersByTime((moment - this.now) * this.#unitMs);
    this.now = moment;
    for (const { plan, script } of this.actors) {
      if (plan.landsAt !== moment) continue;
      for (const ask of script.asked) {
        if (plan.outcome === 'answers') ask.resolve({ landed: moment });
        else ask.reject(failures[plan.outcome]);
      }
    }
    await settled();
  }

  /** Sources whose call is over and should not be, or the other way round. */
  misjudged(): readonly Actor[] {
    return this.actors.filter(({ calls, overAt }) => calls.some(({ over }) => over !== (this.now >= overAt)));
  }

  #aggregate(name: string, plan: Omit<NestPlan, 'required'>, outerOver: number, extraMs: number): Aggregate<unknown, Value> {
    const overAt = Math.min(outerOver, expected(plan).at);
    this.#deadlines.push(plan.deadline);
    const parts = Object.fromEntries(plan.parts.map((part, at) => [partName(at), this.#part(`${name}-${at}`, part, overAt)]));
    return aggregate({ name, input: z.unknown(), deadline: `${plan.deadline * this.#unitMs + extraMs}ms`, parts });
  }

  #part(name: string, part: PartPlan, outerOver: number) {
    const source: Source<unknown, unknown> = 'outcome' in part ? this.#actor(part, outerOver) : this.#aggregate(name, part, outerOver, 0);
    return part.required ? source : optional(source, { otherwise });
  }

  #actor(plan: LeafPlan, outerOver: number): Source<unknown, Value> {
    const actor: Actor = { plan, overAt: Math.min(plan.landsAt, outerOver), script: scripted<unknown, Value>(), calls: [] };
    this.actors.push(actor);
    return (input, call) => {
      actor.calls.push(call);
      if (plan.outcome === 'throws') throw unforeseen;
      return actor.script.source(input, call);
    };
  }
}

const failures: Readonly<Record<Exclude<Outcome, 'answers'>, unknown>> = {
  not_found: new Failure('not_found', 'nothing there'),
  bad_answer: new Failure('bad_answer', 'nonsense'),
  fails: unforeseen,
  throws: unforeseen,
};
