import type { Call } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Source } from '../../src/core/source.ts';
import { batched } from '../../src/policies/batched.ts';
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
export function batchedLoad(world: World, site: Site): Source<Question, Text> & { readonly batched: true } {
  const { loads, systems, journal } = world;
  const { waitingMax, ...bounds } = site.plan.batch!;
  const waiting = new Set<Asked>();
  const ask = batched<Question, Text>({
    key: (question) => textOf(site.plan, question),
    waitingMax,
    ...bounds,
    loadMany(keys, call) {
      if (loads.isHalf({ call, keys })) journal.saw('a batch was halved');
      else send(keys);
      const load = loads.begin(site, keys, call);
      const answers = keys.map((key) => [key, world.valueOf(site, keyOf(key), undefined)] as const);
      return systems.meet(load, () => new Map(answers.map(([key, answer]) => [key, answer()])));
    },
  });
  const send = (keys: readonly string[]): void => {
    const waited = [...waiting].filter((asked) => !asked.call.over);
    for (const asked of waiting) if (keys.includes(asked.key)) waiting.delete(asked);
    // A moment later, because who was refused in this turn is seen to go only then.
    queueMicrotask(() => {
      const held = new Set(waited.filter((asked) => !asked.settled).map(({ key }) => key));
      if (held.size > waitingMax) journal.fault(`${held.size} keys waited for ${name(site)}, and ${waitingMax} is its most`);
    });
  };
  const counted: Source<Question, Text> = (question, call) => {
    const asked: Asked = { key: textOf(site.plan, question), call, settled: false };
    waiting.add(asked);
    world.asked++;
    const answer = ask(question, call);
    const settle = (): void => {
      asked.settled = true;
      waiting.delete(asked);
    };
    answer.then(settle, (error: unknown) => {
      settle();
      journal.saw('a question was refused as overloaded', error instanceof Failure && error.code === 'overloaded');
    });
    return answer;
  };
  return Object.assign(counted, { batched: true } as const);
}

function keyOf(text: string): Key {
  const [user, page = '0'] = text.split('/');
  return { user: user as User, page: Number(page) };
}
