import { setTimeout as pause } from 'node:timers/promises';

/** What `npm run dev -- --fault` prepares: of a thousand questions to the recommender one is answered late. */
export const lateMs = 900;
export const oneIn = 1_000;

/** A hundred requests a second: a slow one every ten seconds, and a laptop hardly feels it. */
const everyMs = 10;
/** A gateway that does not keep up is not asked more. */
const underWayMax = 50;
/** Users of the seeds that are sure to be there. */
const users = 1_000;

export interface FaultOptions {
  readonly gateway: string;
  readonly recommender: string;
}

/** Makes the fault and the requests that meet it, until it is disposed of. */
export async function startFault({ gateway, recommender }: FaultOptions): Promise<AsyncDisposable> {
  const reply = await fetch(`${recommender}/_control?delay_ms=${lateMs}&one_in=${oneIn}`, { method: 'POST' });
  if (!reply.ok) throw new Error(`expected the recommender to take the fault, but got ${reply.status} ${await reply.text()}`);
  const ending = new AbortController();
  const asking = keepAsking(gateway, ending.signal);
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await asking;
    },
  };
}

async function keepAsking(gateway: string, ending: AbortSignal): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (let count = 0; !ending.aborted; count++) {
    if (underWay.size < underWayMax) {
      const asked: Promise<void> = ask(`${gateway}/api/aggregated?user_id=${1 + ((count * 7) % users)}`, ending).finally(() => underWay.delete(asked));
      underWay.add(asked);
    }
    await pause(everyMs, undefined, { signal: ending }).catch(() => undefined);
  }
  await Promise.all(underWay);
}

/** What became of it is seen on the page. */
async function ask(url: string, signal: AbortSignal): Promise<void> {
  try {
    await (await fetch(url, { signal })).arrayBuffer();
  } catch {
    // It ends with us, or the gateway is restarting.
  }
}
