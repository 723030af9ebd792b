import type { Call } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Source } from '../../src/core/source.ts';
import { batched, type Batched } from '../../src/policies/batched.ts';
import { type Key, type Site, textOf, name } from './loads.ts';
import type { Question, User } from './plan.ts';
import type { Text } from './process.ts';
import type { World } from './world.ts';

/** A question that has been handed to a batch, and not been sent. */
interface Asked {
  readonly key: string;
  readonly call: Call;
  settled: boolean;
}

/** A batched source whose queue is counted from outside: who has asked, and has not been sent. */
export function batchedLoad(world: World, site: Site): Batched<Question, Text> {
  const { loads, systems } = world;
  const queue = new Queue(world, site);
  const ask = batched<Question, Text>({
    key: (question) => textOf(site.plan, question),
    ...site.plan.batch!,
    loadMany(keys, call) {
      const load = loads.begin(site, keys, call);
      const answers = keys.map((key) => [key, world.valueOf(site, keyOf(key), undefined)] as const);
      return systems.meet(load, () => new Map(answers.map(([key, answer]) => [key, answer()])));
    },
  });
  // Seen above the policy, since a query that it holds back or refuses has been sent all the same.
  const byQuery: typeof ask.byQuery = (policy, sizes) => queue.counted(ask.byQuery((next) => queue.sent(policy(next)), sizes));
  return Object.assign(queue.counted(ask), { byQuery });
}

/** Who has asked a batched source, and what of that has been sent. */
class Queue {
  readonly #world: World;
  readonly #site: Site;
  readonly #waiting = new Set<Asked>();
  /** Batches that were sent: a further query in the call of one is a half of it. */
  readonly #batches = new WeakSet<Call>();

  constructor(world: World, site: Site) {
    this.#world = world;
    this.#site = site;
  }

  counted(ask: Source<Question, Text>): Source<Question, Text> {
    const { journal } = this.#world;
    return (question, call) => {
      const asked: Asked = { key: textOf(this.#site.plan, question), call, settled: false };
      this.#waiting.add(asked);
      this.#world.asked++;
      const answer = ask(question, call);
      const settle = (): void => {
        asked.settled = true;
        this.#waiting.delete(asked);
      };
      answer.then(settle, (error: unknown) => {
        settle();
        journal.saw('a question was refused as overloaded', error instanceof Failure && error.code === 'overloaded');
      });
      return answer;
    };
  }

  sent<In, Out>(next: Source<In, Out>): Source<In, Out> {
    return (keys, call) => {
      if (this.#batches.has(call)) this.#world.journal.saw('a batch was halved');
      else this.#send(keys as readonly string[]);
      this.#batches.add(call);
      return next(keys, call);
    };
  }

  #send(keys: readonly string[]): void {
    const { waitingMax } = this.#site.plan.batch!;
    const waited = [...this.#waiting].filter((asked) => !asked.call.over);
    for (const asked of this.#waiting) if (keys.includes(asked.key)) this.#waiting.delete(asked);
    // A moment later, because who was refused in this turn is seen to go only then.
    queueMicrotask(() => {
      const held = new Set(waited.filter((asked) => !asked.settled).map(({ key }) => key));
      if (held.size > waitingMax) this.#world.journal.fault(`${held.size} keys waited for ${name(this.#site)}, and ${waitingMax} is its most`);
    });
  }
}

function keyOf(text: string): Key {
  const [user, page = '0'] = text.split('/');
  return { user: user as User, page: Number(page) };
}
