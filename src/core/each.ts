import { valueJson } from './answer.ts';
import type { Call } from './call.ts';
import { Failure } from './failure.ts';
import { JsonText } from './json-text.ts';
import type { Seen } from './part.ts';
import { definedBy, settling, type Source } from './source.ts';

/** A screen shows no more, and each of them is a question. */
const itemsMax = 20;

/**
 * A source that depends on what another one answers: for each item of its list, the answer of a third, in the same order. They are
 * asked at the same time, so that one that is batched answers them all with one query. What is not found is left out; any other
 * failure is the failure of the whole.
 */
export function each<In, Item, Asked, Out>(
  list: Source<In, JsonText<readonly Item[]>>,
  questionOf: (item: NoInfer<Item>) => NoInfer<Asked>,
  source: Source<Asked, Out>,
): Source<In, JsonText<readonly Seen<Out>[]>> {
  const answered: Source<In, JsonText<readonly Seen<Out>[]>> = async (input, call) => {
    const items = (await list(input, call)).parse().slice(0, itemsMax);
    const found = await Promise.all(items.map((item) => answerTo(source, questionOf(item), call)));
    return new JsonText(`[${found.filter((one) => one !== undefined).join(',')}]`);
  };
  return definedBy(answered, { list, each: source });
}

/** As JSON; undefined if there is none. */
async function answerTo<Asked, Out>(source: Source<Asked, Out>, question: Asked, call: Call): Promise<string | undefined> {
  // Its own, since a flight tells of one answer; of them all, that one is stale makes the whole so.
  using own = call.fork();
  try {
    const value = await settling(source, question, own);
    if (own.flight.served === 'stale') call.flight.served = 'stale';
    // Whoever keeps the whole has to know of the oldest load in it.
    if (own.flight.since < call.flight.since) call.flight.since = own.flight.since;
    return valueJson(value);
  } catch (error) {
    if (error instanceof Failure && error.code === 'not_found') return undefined;
    throw error;
  }
}
